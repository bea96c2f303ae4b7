output "name" {
  description = "The bucket's name."
  value       = aws_s3_bucket.this.bucket
}

output "arn" {
  description = "ARN of the bucket."
  value       = local.arn

  # Nobody is allowed anything in a bucket that can still be public.
  depends_on = [aws_s3_bucket_policy.this]
}

output "policy" {
  description = "The bucket's policy."
  value       = local.policy
}

output "force_destroy" {
  description = "Whether the bucket may be deleted with the files that are in it."
  value       = aws_s3_bucket.this.force_destroy
}

output "allowed_origins" {
  description = "Browser origins whose pages may send and read files."
  value       = one(aws_s3_bucket_cors_configuration.this.cors_rule).allowed_origins
}
