output "http_url" {
  description = "Where the frontend calls."
  value       = module.backend.http_url
}

output "websocket_url" {
  description = "Where the frontend connects."
  value       = module.backend.websocket_url
}

output "http_api_id" {
  description = "Id of the HTTP API."
  value       = module.backend.http_api_id
}

output "websocket_api_id" {
  description = "Id of the WebSocket API."
  value       = module.backend.websocket_api_id
}

output "allowed_origins" {
  description = "Browser origins that may call."
  value       = module.backend.allowed_origins
}

output "table_names" {
  description = "Full names of the tables by short name."
  value       = module.backend.table_names
}

output "function_versions" {
  description = "The live version of each function."
  value       = module.backend.function_versions
}

output "dashboard_name" {
  description = "Name of the CloudWatch dashboard."
  value       = module.backend.dashboard_name
}

output "custom_domain_target" {
  description = "What the custom domain's DNS record points at, or null."
  value       = module.backend.custom_domain_target
}

output "alarm_topic_arn" {
  description = "ARN of the topic that is told of alarms, or null where alarm_actions names others."
  value       = module.backend.alarm_topic_arn
}

output "bucket_names" {
  description = "Full names of the buckets by short name."
  value       = module.backend.bucket_names
}

output "mail_identity" {
  description = "The domain that SES sends mail for, or null."
  value       = module.backend.mail_identity
}

output "mail_dkim_records" {
  description = "What DNS must have before SES sends mail: CNAME records, by name. In a few regions, such as Milan, SES wants other targets: its console shows them."
  value       = module.backend.mail_dkim_records
}
