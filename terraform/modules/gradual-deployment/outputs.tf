output "application_name" {
  description = "Name of the CodeDeploy application, or null."
  value       = one(aws_codedeploy_app.this[*].name)
}

output "alarm_names" {
  description = "The alarms at which a function's deployment goes back, by short name."
  value       = local.alarm_names
}

output "runbooks" {
  description = "The runbook that each alarm of this module names, by the alarm's name."
  value       = { for alarm in aws_cloudwatch_metric_alarm.canary : alarm.alarm_name => local.runbook }
}
