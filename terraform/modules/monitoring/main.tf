# What to look at, and what calls someone: API errors, and deliveries that failed.

resource "aws_cloudwatch_metric_alarm" "http_5xx" {
  alarm_name          = "${var.name_prefix}-http-5xx"
  alarm_description   = "The HTTP API answers with 5xx. Runbook: docs/operations.md#alarm-http-5xx"
  namespace           = "AWS/ApiGateway"
  metric_name         = "5xx"
  dimensions          = { ApiId = var.http_api_id }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 5
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions
}

resource "aws_cloudwatch_metric_alarm" "websocket_integration_errors" {
  alarm_name          = "${var.name_prefix}-websocket-integration-errors"
  alarm_description   = "The WebSocket API gets no answer from its function. Runbook: docs/operations.md#alarm-websocket-integration-errors"
  namespace           = "AWS/ApiGateway"
  metric_name         = "IntegrationError"
  dimensions          = { ApiId = var.websocket_api_id, Stage = var.websocket_stage }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 5
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions
}

# What clients wait for. The duration of a function is not that: it includes the work after the answer.
resource "aws_cloudwatch_metric_alarm" "http_latency" {
  alarm_name          = "${var.name_prefix}-http-latency"
  alarm_description   = "One HTTP request in a hundred waits longer than ${var.latency_p99_ms} ms for its answer. Runbook: docs/operations.md#alarm-http-latency"
  namespace           = "AWS/ApiGateway"
  metric_name         = "Latency"
  dimensions          = { ApiId = var.http_api_id }
  extended_statistic  = "p99"
  period              = 300
  evaluation_periods  = 3
  threshold           = var.latency_p99_ms
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions
}

resource "aws_cloudwatch_metric_alarm" "websocket_latency" {
  alarm_name          = "${var.name_prefix}-websocket-latency"
  alarm_description   = "One frame or connection in a hundred waits longer than ${var.latency_p99_ms} ms for its reply. Runbook: docs/operations.md#alarm-websocket-latency"
  namespace           = "AWS/ApiGateway"
  metric_name         = "IntegrationLatency"
  dimensions          = { ApiId = var.websocket_api_id, Stage = var.websocket_stage }
  extended_statistic  = "p99"
  period              = 300
  evaluation_periods  = 3
  threshold           = var.latency_p99_ms
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions
}

# Every broadcast logs how many posts failed. Lines with at least one are counted. The words are those of libs/realtime/src/delivery.rs.
resource "aws_cloudwatch_log_metric_filter" "failed_deliveries" {
  for_each = var.functions

  name           = "${each.value.function_name}-failed-deliveries"
  log_group_name = each.value.log_group_name
  pattern        = "{ $.message = \"broadcast\" && $.failed > 0 }"

  metric_transformation {
    name          = "FailedDeliveries"
    namespace     = var.name_prefix
    value         = "$.failed"
    default_value = 0
  }
}

resource "aws_cloudwatch_metric_alarm" "failed_deliveries" {
  alarm_name          = "${var.name_prefix}-failed-deliveries"
  alarm_description   = "Frames could not be delivered to open sockets. Readers catch up over HTTP. Runbook: docs/operations.md#alarm-failed-deliveries"
  namespace           = var.name_prefix
  metric_name         = "FailedDeliveries"
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 2
  threshold           = 50
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions
}

locals {
  names  = [for function in values(var.functions) : function.function_name]
  charts = { Invocations = "Sum", Errors = "Sum", Throttles = "Sum", Duration = "p99", ConcurrentExecutions = "Maximum" }
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name_prefix
  dashboard_body = jsonencode({
    widgets = concat(
      [for index, metric in keys(local.charts) : {
        type   = "metric"
        x      = (index % 2) * 12
        y      = floor(index / 2) * 6
        width  = 12
        height = 6
        properties = {
          title   = "Functions: ${metric} (${local.charts[metric]})"
          region  = var.region
          stat    = local.charts[metric]
          period  = 300
          metrics = [for name in local.names : ["AWS/Lambda", metric, "FunctionName", name]]
        }
      }],
      [
        {
          type   = "metric"
          x      = 12
          y      = 12
          width  = 12
          height = 6
          properties = {
            title   = "HTTP API"
            region  = var.region
            stat    = "Sum"
            period  = 300
            metrics = [for metric in ["Count", "4xx", "5xx"] : ["AWS/ApiGateway", metric, "ApiId", var.http_api_id]]
          }
        },
        {
          type   = "metric"
          x      = 0
          y      = 18
          width  = 12
          height = 6
          properties = {
            title   = "WebSocket API"
            region  = var.region
            stat    = "Sum"
            period  = 300
            metrics = [for metric in ["ConnectCount", "MessageCount", "IntegrationError", "ClientError"] : ["AWS/ApiGateway", metric, "ApiId", var.websocket_api_id, "Stage", var.websocket_stage]]
          }
        },
        {
          type   = "metric"
          x      = 12
          y      = 18
          width  = 12
          height = 6
          properties = {
            title  = "DynamoDB: consumed capacity"
            region = var.region
            stat   = "Sum"
            period = 300
            metrics = concat(
              [for table in var.table_names : ["AWS/DynamoDB", "ConsumedReadCapacityUnits", "TableName", table]],
              [for table in var.table_names : ["AWS/DynamoDB", "ConsumedWriteCapacityUnits", "TableName", table]],
            )
          }
        },
      ],
    )
  })
}
