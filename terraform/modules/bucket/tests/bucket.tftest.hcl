mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "000000000000" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_region" {
    defaults = { name = "eu-central-1" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::000000000000:role/mylg-dev-files-scan" }
  }
}

variables {
  name_prefix     = "mylg-dev-files"
  allowed_origins = ["https://app.example.com", "https://*.preview.example.com", "http://localhost:5173"]
  force_destroy   = false
}

run "nothing_is_public" {
  command = apply

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.this.block_public_acls, aws_s3_bucket_public_access_block.this.ignore_public_acls,
      aws_s3_bucket_public_access_block.this.block_public_policy, aws_s3_bucket_public_access_block.this.restrict_public_buckets,
    ])
    error_message = "The bucket could become public."
  }

  assert {
    condition     = aws_s3_bucket_ownership_controls.this.rule[0].object_ownership == "BucketOwnerEnforced"
    error_message = "Objects could have ACLs."
  }

  assert {
    condition = jsondecode(aws_s3_bucket_policy.this.policy).Statement == [{
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = ["s3:*"]
      Resource  = ["arn:aws:s3:::mylg-dev-files-000000000000-eu-central-1", "arn:aws:s3:::mylg-dev-files-000000000000-eu-central-1/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
    error_message = "The policy is another one: ${aws_s3_bucket_policy.this.policy}"
  }

  assert {
    condition     = output.name == "mylg-dev-files-000000000000-eu-central-1" && output.arn == "arn:aws:s3:::mylg-dev-files-000000000000-eu-central-1"
    error_message = "The bucket has another name: ${output.name}, ${output.arn}"
  }
}

run "files_are_encrypted_and_can_be_had_back" {
  command = plan

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"
    error_message = "Files are not encrypted."
  }

  assert {
    condition     = aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled"
    error_message = "A deleted file is gone at once."
  }

  assert {
    condition     = !aws_s3_bucket.this.force_destroy
    error_message = "The bucket can be deleted with what is in it."
  }

  assert {
    condition     = one(aws_s3_bucket_lifecycle_configuration.this.rule[0].noncurrent_version_expiration).noncurrent_days == 30
    error_message = "Earlier versions are kept for another time."
  }

  assert {
    condition     = one(aws_s3_bucket_lifecycle_configuration.this.rule[1].expiration).expired_object_delete_marker && one(aws_s3_bucket_lifecycle_configuration.this.rule[1].abort_incomplete_multipart_upload).days_after_initiation == 1
    error_message = "Markers of deleted files, or parts of uploads that were never completed, stay for ever."
  }

  # Nothing that is current goes by itself.
  assert {
    condition     = alltrue([for rule in aws_s3_bucket_lifecycle_configuration.this.rule : rule.status == "Enabled" && alltrue([for expiration in rule.expiration : coalesce(expiration.days, 0) == 0 && try(length(expiration.date), 0) == 0])])
    error_message = "A rule deletes files that are in use, or is off."
  }
}

run "pages_of_the_allowed_origins_send_and_read" {
  command = plan

  assert {
    condition     = [for rule in aws_s3_bucket_cors_configuration.this.cors_rule : rule.allowed_origins] == [toset(["http://localhost:5173", "https://*.preview.example.com", "https://app.example.com"])]
    error_message = "Other origins may send files."
  }

  assert {
    condition     = [for rule in aws_s3_bucket_cors_configuration.this.cors_rule : [rule.allowed_methods, rule.expose_headers]] == [[toset(["GET", "POST"]), toset(["ETag"])]]
    error_message = "Pages may do something else than send with a form and read."
  }
}

run "the_scan_is_off_by_default" {
  command = plan

  assert {
    condition     = length(aws_guardduty_malware_protection_plan.this) == 0 && length(aws_iam_role.scan) == 0
    error_message = "A scan is paid for that nobody asked for."
  }
}

run "what_the_scan_finds_is_not_given_out" {
  command = apply

  variables {
    malware_scan         = true
    permissions_boundary = "arn:aws:iam::000000000000:policy/boundary"
  }

  assert {
    condition = jsonencode(slice(jsondecode(aws_s3_bucket_policy.this.policy).Statement, 1, 3)) == jsonencode([
      {
        Sid       = "NoMalware"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:GetObject", "s3:GetObjectVersion"]
        Resource  = ["arn:aws:s3:::mylg-dev-files-000000000000-eu-central-1/*"]
        Condition = {
          StringEquals = { "s3:ExistingObjectTag/GuardDutyMalwareScanStatus" = "THREATS_FOUND" }
          ArnNotEquals = { "aws:PrincipalArn" = "arn:aws:iam::000000000000:role/mylg-dev-files-scan" }
        }
      },
      {
        Sid       = "ScanAloneTags"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging", "s3:PutObjectTagging", "s3:PutObjectVersionTagging"]
        Resource  = ["arn:aws:s3:::mylg-dev-files-000000000000-eu-central-1/*"]
        Condition = { ArnNotEquals = { "aws:PrincipalArn" = "arn:aws:iam::000000000000:role/mylg-dev-files-scan" } }
      },
    ])
    error_message = "Harmful files are given out, or somebody else can tag them: ${aws_s3_bucket_policy.this.policy}"
  }

  assert {
    condition     = aws_guardduty_malware_protection_plan.this[0].role == "arn:aws:iam::000000000000:role/mylg-dev-files-scan" && aws_iam_role.scan[0].name == "mylg-dev-files-scan" && aws_iam_role.scan[0].permissions_boundary == "arn:aws:iam::000000000000:policy/boundary"
    error_message = "The policy names another role than the one that scans, or that role has no boundary."
  }

  assert {
    condition     = one(one(aws_guardduty_malware_protection_plan.this[0].actions).tagging).status == "ENABLED" && try(length(one(one(aws_guardduty_malware_protection_plan.this[0].protected_resource).s3_bucket).object_prefixes), 0) == 0
    error_message = "Files are scanned and not tagged, or some are not scanned."
  }

  assert {
    condition     = jsondecode(aws_iam_role.scan[0].assume_role_policy).Statement == [{ Effect = "Allow", Action = ["sts:AssumeRole"], Principal = { Service = "malware-protection-plan.guardduty.amazonaws.com" } }]
    error_message = "Others may take the scan's role: ${aws_iam_role.scan[0].assume_role_policy}"
  }

  assert {
    condition = alltrue(flatten([for statement in jsondecode(aws_iam_role_policy.scan[0].policy).Statement : [
      [for action in statement.Action : !strcontains(action, "*")],
      [for resource in statement.Resource : strcontains(resource, ":::mylg-dev-files-") || strcontains(resource, ":rule/DO-NOT-DELETE-AmazonGuardDutyMalwareProtectionS3")],
    ]]))
    error_message = "The scan may do more than it needs: ${aws_iam_role_policy.scan[0].policy}"
  }
}

run "a_key_of_ones_own_encrypts" {
  command = apply

  variables {
    malware_scan = true
    kms_key_arn  = "arn:aws:kms:eu-central-1:000000000000:key/00000000-0000-0000-0000-000000000000"
  }

  assert {
    condition = one(aws_s3_bucket_server_side_encryption_configuration.this.rule).bucket_key_enabled && one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default) == {
      sse_algorithm = "aws:kms", kms_master_key_id = "arn:aws:kms:eu-central-1:000000000000:key/00000000-0000-0000-0000-000000000000"
    }
    error_message = "Files are encrypted with another key."
  }

  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.scan[0].policy).Statement : statement.Condition if statement.Sid == "Decrypt"] == [{ StringEquals = { "kms:ViaService" = "s3.eu-central-1.amazonaws.com" } }]
    error_message = "The scan cannot read what it should look at, or uses the key for something else."
  }
}

run "any_origin_is_refused" {
  command = plan

  variables {
    allowed_origins = ["*"]
  }

  expect_failures = [var.allowed_origins]
}

run "two_wildcards_are_refused" {
  command = plan

  variables {
    allowed_origins = ["https://*.*.example.com"]
  }

  expect_failures = [var.allowed_origins]
}

run "no_history_is_refused" {
  command = plan

  variables {
    history_days = 0
    name_prefix  = "a-name-that-leaves-no-room-for-account-and-region"
  }

  expect_failures = [var.history_days, var.name_prefix]
}
