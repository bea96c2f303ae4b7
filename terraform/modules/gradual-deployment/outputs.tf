output "application_name" {
  description = "Name of the CodeDeploy application, or null."
  value       = one(aws_codedeploy_app.this[*].name)
}

output "alarm_names" {
  description = "The alarms at which a function's deployment goes back, by short name."
  value       = local.alarm_names
}
