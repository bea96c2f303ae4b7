output "id" {
  description = "The API's id."
  value       = aws_apigatewayv2_api.this.id
}

output "url" {
  description = "Where the frontend calls."
  value       = var.custom_domain == null ? aws_apigatewayv2_api.this.api_endpoint : "https://${var.custom_domain.name}"
}

output "custom_domain_target" {
  description = "What the custom domain's DNS record points at, or null."
  value       = var.custom_domain == null ? null : aws_apigatewayv2_domain_name.this[0].domain_name_configuration[0].target_domain_name
}
