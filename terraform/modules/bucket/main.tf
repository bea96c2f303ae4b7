# A private bucket for files of people: encrypted, over TLS alone, with earlier versions for a while. Browsers send and fetch files with
# requests that a function has signed. Optionally GuardDuty looks for malware in what is sent.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  account_id = data.aws_caller_identity.current.account_id
  partition  = data.aws_partition.current.partition
  # The names of all accounts' buckets share one space: account and region keep ours from being taken.
  name = "${var.name_prefix}-${local.account_id}-${data.aws_region.current.name}"
  arn  = "arn:${local.partition}:s3:::${local.name}"

  scan_role_name = "${var.name_prefix}-scan"
  scan_role_arn  = "arn:${local.partition}:iam::${local.account_id}:role/${local.scan_role_name}"
  # The rule that GuardDuty makes and manages, by which it learns of new objects.
  scan_rule = "arn:${local.partition}:events:${data.aws_region.current.name}:${local.account_id}:rule/DO-NOT-DELETE-AmazonGuardDutyMalwareProtectionS3*"

  # Access is given by the roles' own policies. This one only takes it away.
  policy = {
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:*"]
        Resource  = [local.arn, "${local.arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }],
      [for statement in [
        {
          Sid       = "NoMalware"
          Effect    = "Deny"
          Principal = "*"
          Action    = ["s3:GetObject", "s3:GetObjectVersion"]
          Resource  = ["${local.arn}/*"]
          Condition = {
            StringEquals = { "s3:ExistingObjectTag/GuardDutyMalwareScanStatus" = "THREATS_FOUND" }
            ArnNotEquals = { "aws:PrincipalArn" = local.scan_role_arn }
          }
        },
        # Without this, every principal that may write tags could declare a file clean.
        {
          Sid       = "ScanAloneTags"
          Effect    = "Deny"
          Principal = "*"
          Action    = ["s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging", "s3:PutObjectTagging", "s3:PutObjectVersionTagging"]
          Resource  = ["${local.arn}/*"]
          Condition = { ArnNotEquals = { "aws:PrincipalArn" = local.scan_role_arn } }
        },
      ] : statement if var.malware_scan],
    )
  }

  scan_statements = concat(
    [
      {
        Sid       = "ManagedRule"
        Effect    = "Allow"
        Action    = ["events:DeleteRule", "events:PutRule", "events:PutTargets", "events:RemoveTargets"]
        Resource  = [local.scan_rule]
        Condition = { StringEquals = { "events:ManagedBy" = "malware-protection-plan.guardduty.amazonaws.com" } }
      },
      {
        Sid      = "WatchRule"
        Effect   = "Allow"
        Action   = ["events:DescribeRule", "events:ListTargetsByRule"]
        Resource = [local.scan_rule]
      },
      {
        Sid      = "Bucket"
        Effect   = "Allow"
        Action   = ["s3:GetBucketNotification", "s3:ListBucket", "s3:PutBucketNotification"]
        Resource = [local.arn]
      },
      {
        Sid      = "Scan"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectVersion", "s3:GetObjectVersionTagging", "s3:PutObjectTagging", "s3:PutObjectVersionTagging"]
        Resource = ["${local.arn}/*"]
      },
      # GuardDuty tries with it whether it may write.
      {
        Sid      = "Validation"
        Effect   = "Allow"
        Action   = ["s3:PutObject"]
        Resource = ["${local.arn}/malware-protection-resource-validation-object"]
      },
    ],
    [for statement in [{
      Sid       = "Decrypt"
      Effect    = "Allow"
      Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource  = [var.kms_key_arn]
      Condition = { StringEquals = { "kms:ViaService" = "s3.${data.aws_region.current.name}.amazonaws.com" } }
    }] : statement if var.kms_key_arn != null],
  )
}

resource "aws_s3_bucket" "this" {
  bucket = local.name
  # Where it is false, AWS refuses to delete a bucket that has files.
  force_destroy = var.force_destroy
}

# No ACLs: what is in the bucket belongs to the account.
resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket = aws_s3_bucket.this.id

  block_public_acls       = true
  ignore_public_acls      = true
  block_public_policy     = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_policy" "this" {
  bucket = aws_s3_bucket.this.id
  policy = jsonencode(local.policy)

  depends_on = [aws_s3_bucket_public_access_block.this]
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm     = var.kms_key_arn == null ? "AES256" : "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }

    # With a key of one's own: S3 asks KMS for one data key for many files, instead of one for each.
    bucket_key_enabled = var.kms_key_arn != null
  }
}

resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  # A deleted file has no version that is current: it is gone for good after these days.
  rule {
    id     = "history"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = var.history_days
    }
  }

  # What is left of it then is a marker.
  rule {
    id     = "remains"
    status = "Enabled"

    filter {}

    expiration {
      expired_object_delete_marker = true
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

# S3 compares a wildcard with any number of subdomains. This lets a page read an answer, and nothing else: each request is signed.
resource "aws_s3_bucket_cors_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  cors_rule {
    id              = "frontend"
    allowed_origins = var.allowed_origins
    allowed_methods = ["GET", "POST"]
    allowed_headers = ["*"]
    expose_headers  = ["ETag"]
    max_age_seconds = 3600
  }
}

resource "aws_iam_role" "scan" {
  count = var.malware_scan ? 1 : 0

  name                 = local.scan_role_name
  permissions_boundary = var.permissions_boundary
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = ["sts:AssumeRole"]
      Principal = { Service = "malware-protection-plan.guardduty.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "scan" {
  count = var.malware_scan ? 1 : 0

  name   = "scan"
  role   = aws_iam_role.scan[0].id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.scan_statements })
}

resource "aws_guardduty_malware_protection_plan" "this" {
  count = var.malware_scan ? 1 : 0

  role = aws_iam_role.scan[0].arn

  protected_resource {
    s3_bucket {
      bucket_name = aws_s3_bucket.this.id
    }
  }

  actions {
    tagging {
      status = "ENABLED"
    }
  }

  # GuardDuty tries the role when the plan is made.
  depends_on = [aws_iam_role_policy.scan, aws_s3_bucket_policy.this]
}
