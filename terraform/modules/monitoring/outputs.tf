output "dashboard_name" {
  description = "Name of the dashboard."
  value       = aws_cloudwatch_dashboard.this.dashboard_name
}

output "runbooks" {
  description = "The runbook that each alarm of this module names, by the alarm's name."
  value = {
    for alarm in concat(
      [aws_cloudwatch_metric_alarm.http_5xx, aws_cloudwatch_metric_alarm.websocket_integration_errors, aws_cloudwatch_metric_alarm.failed_deliveries],
      [aws_cloudwatch_metric_alarm.http_latency, aws_cloudwatch_metric_alarm.websocket_latency, aws_cloudwatch_metric_alarm.account_concurrency],
      values(aws_cloudwatch_metric_alarm.audit),
      values(aws_cloudwatch_metric_alarm.table_throttles),
    ) : alarm.alarm_name => try(regex("Runbook: docs/operations.md#([a-z0-9-]+)$", alarm.alarm_description)[0], "")
  }
}
