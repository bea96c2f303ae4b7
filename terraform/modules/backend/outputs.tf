output "http_url" {
  description = "Where the frontend calls."
  value       = module.http_api.url
}

output "websocket_url" {
  description = "Where the frontend connects."
  value       = module.websocket_api.url
}

output "http_api_id" {
  description = "Id of the HTTP API."
  value       = module.http_api.id
}

output "websocket_api_id" {
  description = "Id of the WebSocket API."
  value       = module.websocket_api.id
}

output "allowed_origins" {
  description = "Browser origins that may call."
  value       = var.allowed_origins
}

output "public_keys" {
  description = "Key name → base64 DER public key of access tokens."
  value       = module.signing_key.public_keys
}

output "table_names" {
  description = "Full names of the tables by short name."
  value       = module.tables.names
}

output "deletion_protection" {
  description = "Whether each table refuses to be deleted, by short name."
  value       = module.tables.deletion_protection
}

output "function_versions" {
  description = "The live version of each function."
  value       = { for name, function in module.function : name => function.version }
}

output "function_environments" {
  description = "The environment map of each function."
  value       = local.environments
}

output "role_statements" {
  description = "What each role may do beside logging and tracing."
  value       = local.statements
}

output "http_routes" {
  description = "Route key → function of the HTTP API."
  value       = { for route in local.stack.http_api.routes : route.route => route.function }
}

output "websocket_routes" {
  description = "Route key → function of the WebSocket API, and whether it replies."
  value       = { for route in local.stack.websocket_api.routes : route.route => { function = route.function, route_response = route.route_response } }
}

output "dashboard_name" {
  description = "Name of the CloudWatch dashboard."
  value       = module.monitoring.dashboard_name
}

output "custom_domain_target" {
  description = "What the custom domain's DNS record points at, or null."
  value       = var.edge == null ? module.http_api.custom_domain_target : module.edge[0].domain_name
}

output "signing_key_policy" {
  description = "The policy of the signing keys."
  value       = module.signing_key.policy
}

output "functions" {
  description = "Memory, reserved and provisioned concurrency of each function."
  value       = local.functions
}

output "alarm_topic_arn" {
  description = "ARN of the topic that is told of alarms, or null where alarm_actions names others."
  value       = one(aws_sns_topic.alarms[*].arn)
}

output "runbooks" {
  description = "The runbook in docs/operations.md that each alarm names, by the alarm's name."
  value       = merge(module.monitoring.runbooks, concat([for function in module.function : function.runbooks], module.gradual_deployment[*].runbooks)...)
}

output "guarded" {
  description = "Whether Terraform refuses to destroy this environment."
  value       = length(terraform_data.guard) == 1
}

output "bucket_names" {
  description = "Full names of the buckets by short name."
  value       = { for short, bucket in module.bucket : short => bucket.name }
}

output "bucket_policies" {
  description = "The policy of each bucket, by short name."
  value       = { for short, bucket in module.bucket : short => bucket.policy }
}

output "bucket_origins" {
  description = "Browser origins whose pages may send and read files, by the bucket's short name."
  value       = { for short, bucket in module.bucket : short => bucket.allowed_origins }
}

output "force_destroy" {
  description = "Whether each bucket may be deleted with the files in it, by short name."
  value       = { for short, bucket in module.bucket : short => bucket.force_destroy }
}

output "mail_identity" {
  description = "The domain that SES sends mail for, or null."
  value       = one(module.mail[*].identity)
}

output "mail_dkim_records" {
  description = "What DNS must have before SES sends mail: CNAME records, by name. In a few regions, such as Milan, SES wants other targets: its console shows them."
  value       = length(module.mail) == 0 ? {} : module.mail[0].dkim_records
}
