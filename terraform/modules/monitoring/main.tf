# What to look at, and what calls someone. Each alarm names its runbook in docs/operations.md.

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

# What clients wait for. The duration of a function is not that: it includes the background tasks.
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

# What an attack leaves in the logs. Lines with a member audit are written at every log level; the names are those of the code.
locals {
  audit_alarms = {
    login_locked  = { slug = "login-locked", metric = "LoginLocked", threshold = var.login_locked_burst, says = "addresses were locked after wrong passwords" }
    refresh_reuse = { slug = "refresh-reuse", metric = "RefreshReuse", threshold = var.refresh_reuse_burst, says = "refresh tokens were used twice" }
  }
}

resource "aws_cloudwatch_log_metric_filter" "audit" {
  for_each = { for pair in setproduct(keys(local.audit_alarms), keys(var.functions)) : "${pair[0]} ${pair[1]}" => { event = pair[0], function = var.functions[pair[1]] } }

  name           = "${each.value.function.function_name}-${local.audit_alarms[each.value.event].slug}"
  log_group_name = each.value.function.log_group_name
  pattern        = "{ $.audit = \"${each.value.event}\" }"

  metric_transformation {
    name      = local.audit_alarms[each.value.event].metric
    namespace = var.name_prefix
    value     = "1"
  }
}

resource "aws_cloudwatch_metric_alarm" "audit" {
  for_each = local.audit_alarms

  alarm_name          = "${var.name_prefix}-${each.value.slug}"
  alarm_description   = "Within five minutes ${each.value.threshold} or more ${each.value.says}. Runbook: docs/operations.md#alarm-${each.value.slug}"
  namespace           = var.name_prefix
  metric_name         = each.value.metric
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = each.value.threshold
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions
}

# Indexes have metrics of their own: the table's do not include theirs.
locals {
  throttles = merge([
    for short, table in var.tables : merge([
      for metric in ["Read", "Write"] : merge(
        { "${short} ${metric}" = { name = "${table.name}-${lower(metric)}-throttles", what = table.name, metric = "${metric}ThrottleEvents", dimensions = { TableName = table.name } } },
        { for index in table.indexes : "${short} ${index} ${metric}" => {
          name       = "${table.name}-${index}-${lower(metric)}-throttles"
          what       = "the index ${index} of ${table.name}"
          metric     = "${metric}ThrottleEvents"
          dimensions = { TableName = table.name, GlobalSecondaryIndexName = index }
        } },
      )
    ]...)
  ]...)
}

resource "aws_cloudwatch_metric_alarm" "table_throttles" {
  for_each = local.throttles

  alarm_name          = each.value.name
  alarm_description   = "DynamoDB refuses requests to ${each.value.what}. Runbook: docs/operations.md#alarm-table-throttles"
  namespace           = "AWS/DynamoDB"
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = var.table_throttles
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions
}

# All functions of the account and region share one number: past it every one of them is throttled.
resource "aws_cloudwatch_metric_alarm" "account_concurrency" {
  alarm_name          = "${var.name_prefix}-account-concurrency"
  alarm_description   = "The functions of this account and region use four fifths of the ${var.account_concurrency} that may run at once. Runbook: docs/operations.md#alarm-account-concurrency"
  namespace           = "AWS/Lambda"
  metric_name         = "ClaimedAccountConcurrency"
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 3
  threshold           = ceil(var.account_concurrency * 0.8)
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions
}

locals {
  names  = [for function in values(var.functions) : function.function_name]
  charts = { Invocations = "Sum", Errors = "Sum", Throttles = "Sum", Duration = "p99", ConcurrentExecutions = "Maximum" }
}

locals {
  # What functions write of each event themselves (libs/shared-utils/src/event_context.rs). Lambda's own duration has other limits: this
  # one includes the background tasks, and not the start of a sandbox.
  own_charts = {
    Calls          = { title = "Requests to AWS services per event (average)", stat = "Average" }
    ColdStarts     = { title = "Cold starts", stat = "Sum" }
    Deliveries     = { title = "Frames delivered", stat = "Sum" }
    Duration       = { title = "Events, background tasks included (p99, ms)", stat = "p99" }
    ThrottledPosts = { title = "Posts to connections refused with 429 each time", stat = "Sum" }
    RefusedLogins  = { title = "Refused logins", stat = "Sum" }
  }
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
              [for table in values(var.tables) : ["AWS/DynamoDB", "ConsumedReadCapacityUnits", "TableName", table.name]],
              [for table in values(var.tables) : ["AWS/DynamoDB", "ConsumedWriteCapacityUnits", "TableName", table.name]],
            )
          }
        },
        {
          type   = "metric"
          x      = 0
          y      = 24
          width  = 12
          height = 6
          properties = {
            title  = "What clients wait for (p99, ms)"
            region = var.region
            stat   = "p99"
            period = 300
            metrics = [
              ["AWS/ApiGateway", "Latency", "ApiId", var.http_api_id],
              ["AWS/ApiGateway", "IntegrationLatency", "ApiId", var.websocket_api_id, "Stage", var.websocket_stage],
            ]
            annotations = { horizontal = [{ label = "alarm", value = var.latency_p99_ms }] }
          }
        },
        {
          type   = "metric"
          x      = 12
          y      = 24
          width  = 12
          height = 6
          properties = {
            title   = "DynamoDB: refused requests"
            region  = var.region
            stat    = "Sum"
            period  = 300
            metrics = [for throttle in values(local.throttles) : concat(["AWS/DynamoDB", throttle.metric], flatten([for name, value in throttle.dimensions : [name, value]]))]
          }
        },
        {
          type   = "metric"
          x      = 0
          y      = 30
          width  = 12
          height = 6
          properties = {
            title       = "Functions of the account that run at once"
            region      = var.region
            stat        = "Maximum"
            period      = 60
            metrics     = [["AWS/Lambda", "ClaimedAccountConcurrency"]]
            annotations = { horizontal = [{ label = "quota", value = var.account_concurrency }] }
          }
        },
        {
          type   = "metric"
          x      = 12
          y      = 30
          width  = 12
          height = 6
          properties = {
            title   = "Locked addresses, reused refresh tokens, failed deliveries"
            region  = var.region
            stat    = "Sum"
            period  = 300
            metrics = [for metric in concat([for alarm in values(local.audit_alarms) : alarm.metric], ["FailedDeliveries"]) : [var.name_prefix, metric]]
          }
        },
      ],
      [for index, metric in keys(local.own_charts) : {
        type   = "metric"
        x      = (index % 2) * 12
        y      = 36 + floor(index / 2) * 6
        width  = 12
        height = 6
        properties = {
          title   = local.own_charts[metric].title
          region  = var.region
          stat    = local.own_charts[metric].stat
          period  = 300
          metrics = [for name in local.names : [var.name_prefix, metric, "function", name]]
        }
      }],
    )
  })
}
