output "function_name" {
  description = "The function's full name."
  value       = aws_lambda_function.this.function_name
}

output "alias_arn" {
  description = "ARN of the alias `live`."
  value       = one(concat(aws_lambda_alias.live, aws_lambda_alias.gradual)[*].arn)
}

output "alias_invoke_arn" {
  description = "What API Gateway integrations call."
  value       = one(concat(aws_lambda_alias.live, aws_lambda_alias.gradual)[*].invoke_arn)
}

output "arn" {
  description = "ARN of the function, without a version."
  value       = aws_lambda_function.this.arn
}

output "version" {
  description = "The version that was published last: it is live, or where traffic is shifted it becomes so."
  value       = aws_lambda_function.this.version
}

output "log_group_name" {
  description = "Where the function logs to."
  value       = aws_cloudwatch_log_group.this.name
}

output "runbooks" {
  description = "The runbook that each alarm of this function names, by the alarm's name."
  value = {
    for alarm in [aws_cloudwatch_metric_alarm.errors, aws_cloudwatch_metric_alarm.throttles, aws_cloudwatch_metric_alarm.near_timeout] :
    alarm.alarm_name => try(regex("Runbook: docs/operations.md#([a-z0-9-]+)$", alarm.alarm_description)[0], "")
  }
}
