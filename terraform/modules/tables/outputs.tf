output "names" {
  description = "Full names by short name."
  value       = { for short, table in aws_dynamodb_table.this : short => table.name }
}

output "arns" {
  description = "ARNs by short name."
  value       = { for short, table in aws_dynamodb_table.this : short => table.arn }
}

output "deletion_protection" {
  description = "Whether each table refuses to be deleted, by short name."
  value       = { for short, table in aws_dynamodb_table.this : short => table.deletion_protection_enabled }
}
