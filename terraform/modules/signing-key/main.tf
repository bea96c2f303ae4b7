# Keys that sign access tokens. They never leave KMS; the public halves are read here and given to every function. Nothing secret
# passes through Terraform.

resource "aws_kms_key" "this" {
  for_each = var.keys

  description              = "Signs the access tokens of ${var.name_prefix} (${each.key})"
  customer_master_key_spec = "ECC_NIST_P256"
  key_usage                = "SIGN_VERIFY"
  deletion_window_in_days  = var.deletion_window_in_days

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
