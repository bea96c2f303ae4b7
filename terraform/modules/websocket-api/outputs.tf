output "id" {
  description = "The API's id."
  value       = aws_apigatewayv2_api.this.id
}

output "url" {
  description = "Where the frontend connects."
  value       = "${aws_apigatewayv2_api.this.api_endpoint}/${var.stage}"
}

output "management_url" {
  description = "Where functions post to connections (@connections)."
  value       = "${replace(aws_apigatewayv2_api.this.api_endpoint, "/^ws/", "http")}/${var.stage}"
}

output "management_arn" {
  description = "Resource of execute-api:ManageConnections for this stage alone."
  value       = "${aws_apigatewayv2_api.this.execution_arn}/${var.stage}/*/@connections/*"
}

output "redeployment" {
  description = "What a new deployment is triggered by."
  value       = aws_apigatewayv2_deployment.this.triggers.redeployment
}
