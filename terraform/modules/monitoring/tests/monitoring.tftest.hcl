mock_provider "aws" {}

variables {
  name_prefix      = "mylg-dev"
  region           = "eu-central-1"
  http_api_id      = "http"
  websocket_api_id = "websocket"
  websocket_stage  = "live"
  functions        = { f = { function_name = "mylg-dev-f", log_group_name = "/aws/lambda/mylg-dev-f" } }
  tables = {
    auth     = { name = "mylg-dev-auth", indexes = [] }
    projects = { name = "mylg-dev-projects", indexes = ["byMember"] }
  }
  latency_p99_ms = 1000
  alarm_actions  = ["arn:aws:sns:eu-central-1:000000000000:alarms"]
}

run "failed_deliveries_are_counted_from_the_line_that_the_code_writes" {
  command = plan

  assert {
    condition     = aws_cloudwatch_log_metric_filter.failed_deliveries["f"].pattern == "{ $.message = \"broadcast\" && $.failed > 0 }"
    error_message = "The filter looks for something else: ${aws_cloudwatch_log_metric_filter.failed_deliveries["f"].pattern}"
  }

  # The filter's words stand in the code.
  assert {
    condition = length(regexall("tracing::info!\\([^;]*throttled = [^;]*failed = [^;]*\"${
      regex("message = \"([a-z]+)\"", aws_cloudwatch_log_metric_filter.failed_deliveries["f"].pattern)[0]
    }\"\\s*\\);", file("../../../libs/realtime/src/delivery.rs"))) == 1
    error_message = "libs/realtime/src/delivery.rs logs broadcasts with other words than the filter looks for."
  }
}

run "alarms_are_on_what_clients_wait_for" {
  command = plan

  assert {
    condition     = aws_cloudwatch_metric_alarm.http_latency.metric_name == "Latency" && aws_cloudwatch_metric_alarm.http_latency.dimensions == tomap({ ApiId = "http" })
    error_message = "Clients of the HTTP API wait for its Latency."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.websocket_latency.metric_name == "IntegrationLatency" && aws_cloudwatch_metric_alarm.websocket_latency.dimensions == tomap({ ApiId = "websocket", Stage = "live" })
    error_message = "Clients of the WebSocket API wait for its IntegrationLatency."
  }

  assert {
    condition = alltrue([
      for alarm in [aws_cloudwatch_metric_alarm.http_latency, aws_cloudwatch_metric_alarm.websocket_latency] : alarm.extended_statistic == "p99" && alarm.threshold == 1000
    ])
    error_message = "One answer in a hundred may take a second."
  }
}

run "tables_and_their_indexes_raise_an_alarm_when_they_refuse" {
  command = plan

  assert {
    condition = { for alarm in aws_cloudwatch_metric_alarm.table_throttles : alarm.alarm_name => "${alarm.metric_name} ${join(" ", values(alarm.dimensions))}" } == {
      "mylg-dev-auth-read-throttles"               = "ReadThrottleEvents mylg-dev-auth"
      "mylg-dev-auth-write-throttles"              = "WriteThrottleEvents mylg-dev-auth"
      "mylg-dev-projects-read-throttles"           = "ReadThrottleEvents mylg-dev-projects"
      "mylg-dev-projects-write-throttles"          = "WriteThrottleEvents mylg-dev-projects"
      "mylg-dev-projects-byMember-read-throttles"  = "ReadThrottleEvents byMember mylg-dev-projects"
      "mylg-dev-projects-byMember-write-throttles" = "WriteThrottleEvents byMember mylg-dev-projects"
    }
    error_message = "Other tables are watched: ${jsonencode([for alarm in aws_cloudwatch_metric_alarm.table_throttles : alarm.alarm_name])}"
  }
}

run "the_account_raises_an_alarm_before_it_throttles" {
  command = plan

  variables {
    account_concurrency = 10
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.account_concurrency.metric_name == "ClaimedAccountConcurrency" && aws_cloudwatch_metric_alarm.account_concurrency.threshold == 8
    error_message = "The alarm is not at four fifths of the quota."
  }
}

run "attacks_raise_an_alarm" {
  command = plan

  assert {
    condition = { for key, filter in aws_cloudwatch_log_metric_filter.audit : key => filter.pattern } == {
      "login_locked f"  = "{ $.audit = \"login_locked\" }"
      "refresh_reuse f" = "{ $.audit = \"refresh_reuse\" }"
    }
    error_message = "Other audit lines are counted."
  }

  assert {
    condition = { for alarm in aws_cloudwatch_metric_alarm.audit : alarm.alarm_name => "${alarm.namespace} ${alarm.metric_name} ${alarm.threshold}" } == {
      "mylg-dev-login-locked"  = "mylg-dev LoginLocked 10"
      "mylg-dev-refresh-reuse" = "mylg-dev RefreshReuse 3"
    }
    error_message = "Other audit lines raise an alarm."
  }

  assert {
    condition     = [for filter in aws_cloudwatch_log_metric_filter.audit : filter.metric_transformation[0].name] == [for alarm in aws_cloudwatch_metric_alarm.audit : alarm.metric_name]
    error_message = "An alarm looks at a metric that no filter writes."
  }

  # The names stand in the code: as the values of the member audit.
  assert {
    condition = [for filter in aws_cloudwatch_log_metric_filter.audit : regex("audit = \"([a-z_]+)\"", filter.pattern)[0]] == [
      for event in [
        one(regexall("audit!\\(\"(login_locked)\"", file("../../../functions/auth-router/src/attempts.rs")))[0],
        one(regexall("audit!\\(\"(refresh_reuse)\"", file("../../../functions/auth-router/src/routes/refresh.rs")))[0],
      ] : event if strcontains(file("../../../libs/shared-utils/src/audit.rs"), "audit = $event")
    ]
    error_message = "auth-router writes other audit lines than the filters look for."
  }
}

run "the_dashboard_shows_what_alarms_look_at" {
  command = plan

  assert {
    condition = [
      for metric in ["Latency", "IntegrationLatency", "5xx", "IntegrationError", "Errors", "Throttles", "ReadThrottleEvents", "WriteThrottleEvents", "ClaimedAccountConcurrency", "LoginLocked", "RefreshReuse", "FailedDeliveries"] :
      metric if !strcontains(aws_cloudwatch_dashboard.this.dashboard_body, "\"${metric}\"")
    ] == []
    error_message = "The dashboard lacks a metric that an alarm looks at."
  }
}

run "the_dashboard_shows_what_functions_write" {
  command = plan

  # Each chart's metric is written by the code, and the other way round.
  assert {
    condition = toset([
      for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : widget.properties.metrics[0][1] if try(widget.properties.metrics[0][2], "") == "function"
      ]) == toset([
      for name in flatten(regexall("[(]\"([A-Z][A-Za-z]+)\", |\"Name\": \"([A-Z][A-Za-z]+)\"", file("../../../libs/shared-utils/src/event_context.rs"))) : name if name != null
    ])
    error_message = "The charts of the functions' own metrics are others than the code writes."
  }
}

run "odd_thresholds_are_refused" {
  command = plan

  variables {
    latency_p99_ms      = 30000
    account_concurrency = 5
    login_locked_burst  = 0
    refresh_reuse_burst = 0
    table_throttles     = 0
  }

  expect_failures = [var.latency_p99_ms, var.account_concurrency, var.login_locked_burst, var.refresh_reuse_burst, var.table_throttles]
}
