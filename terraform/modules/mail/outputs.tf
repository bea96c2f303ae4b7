output "address" {
  description = "The sender's address alone."
  value       = local.address
}

output "identity" {
  description = "The domain that SES sends for."
  value       = local.domain
}

output "identity_arn" {
  description = "ARN of the domain's identity."
  value       = local.identity_arn

  depends_on = [aws_sesv2_email_identity.this, data.aws_sesv2_email_identity.this]
}

output "configuration_set" {
  description = "Name of the configuration set."
  value       = aws_sesv2_configuration_set.this.configuration_set_name
}

output "configuration_set_arn" {
  description = "ARN of the configuration set."
  value       = "${local.ses}:configuration-set/${aws_sesv2_configuration_set.this.configuration_set_name}"
}

output "dkim_records" {
  description = "What DNS must have before SES sends for the domain: CNAME records, by name. In a few regions, such as Milan, SES wants other targets: its console shows them."
  value       = { for token in local.tokens : "${token}._domainkey.${local.domain}" => "${token}.dkim.amazonses.com" }
}
