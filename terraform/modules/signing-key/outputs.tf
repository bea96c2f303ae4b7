output "public_keys" {
  description = "Key name → base64 DER public key: what JWT_PUBLIC_KEYS holds."
  value       = { for name, key in data.aws_kms_public_key.this : name => key.public_key }
}

output "arns" {
  description = "Key ARNs by name."
  value       = { for name, key in aws_kms_key.this : name => key.arn }
}

output "policy" {
  description = "The policy of every key."
  value       = local.policy
}
