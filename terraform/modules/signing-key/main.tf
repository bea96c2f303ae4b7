# Keys that sign access tokens. They never leave KMS; the public halves are read here and given to every function. Nothing secret
# passes through Terraform.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  account = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}"

  # Without a policy of its own, a key is open to every principal that IAM allows kms:Sign. This one names the role that signs. Grants
  # cannot be made, since a grant could pass signing on. A principal that may change the policy can still change who signs: CloudTrail shows it.
  policy = {
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "Administer"
        Effect    = "Allow"
        Principal = { AWS = "${local.account}:root" }
        Action = [
          "kms:CancelKeyDeletion",
          "kms:CreateAlias",
          "kms:DeleteAlias",
          "kms:DisableKey",
          "kms:EnableKey",
          "kms:GetKeyPolicy",
          "kms:GetKeyRotationStatus",
          "kms:ListGrants",
          "kms:ListKeyPolicies",
          "kms:ListResourceTags",
          "kms:PutKeyPolicy",
          "kms:RevokeGrant",
          "kms:ScheduleKeyDeletion",
          "kms:TagResource",
          "kms:UntagResource",
          "kms:UpdateAlias",
          "kms:UpdateKeyDescription",
        ]
        Resource = "*"
      },
      {
        Sid       = "Read"
        Effect    = "Allow"
        Principal = { AWS = "${local.account}:root" }
        Action    = ["kms:DescribeKey", "kms:GetPublicKey"]
        Resource  = "*"
      },
      # The role stands in a condition, not as the principal: KMS refuses a principal that does not exist yet, and at the first
      # deployment the role is made after the key. The role's own policy has to allow kms:Sign as well.
      {
        Sid       = "Sign"
        Effect    = "Allow"
        Principal = { AWS = "${local.account}:root" }
        Action    = ["kms:Sign"]
        Resource  = "*"
        Condition = { ArnEquals = { "aws:PrincipalArn" = [for role in sort(var.signer_roles) : "${local.account}:role/${role}"] } }
      },
    ]
  }
}

resource "aws_kms_key" "this" {
  for_each = var.keys

  description              = "Signs the access tokens of ${var.name_prefix} (${each.key})"
  customer_master_key_spec = "ECC_NIST_P256"
  key_usage                = "SIGN_VERIFY"
  deletion_window_in_days  = var.deletion_window_in_days
  policy                   = jsonencode(local.policy)

  tags = { Name = "${var.name_prefix}-signing-${each.key}" }
}

resource "aws_kms_alias" "this" {
  for_each = var.keys

  name          = "alias/${var.name_prefix}-signing-${each.key}"
  target_key_id = aws_kms_key.this[each.key].arn
}

data "aws_kms_public_key" "this" {
  for_each = var.keys

  key_id = aws_kms_key.this[each.key].arn
}
