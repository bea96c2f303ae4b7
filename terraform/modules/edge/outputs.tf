output "domain_name" {
  description = "What the DNS record of the name points at."
  value       = aws_cloudfront_distribution.this.domain_name
}
