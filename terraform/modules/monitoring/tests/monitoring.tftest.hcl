mock_provider "aws" {}

variables {
  name_prefix      = "mylg-dev"
  region           = "eu-central-1"
  http_api_id      = "http"
  websocket_api_id = "websocket"
  websocket_stage  = "live"
  functions        = { f = { function_name = "mylg-dev-f", log_group_name = "/aws/lambda/mylg-dev-f" } }
  table_names      = ["mylg-dev-auth"]
  latency_p99_ms   = 1000
  alarm_actions    = ["arn:aws:sns:eu-central-1:000000000000:alarms"]
}

run "failed_deliveries_are_counted_from_the_line_that_the_code_writes" {
  command = plan

  assert {
    condition     = aws_cloudwatch_log_metric_filter.failed_deliveries["f"].pattern == "{ $.message = \"broadcast\" && $.failed > 0 }"
    error_message = "The filter looks for something else: ${aws_cloudwatch_log_metric_filter.failed_deliveries["f"].pattern}"
  }

  # The filter's words stand in the code.
  assert {
    condition = length(regexall("tracing::info!\\(.*failed = .*, \"${
      regex("message = \"([a-z]+)\"", aws_cloudwatch_log_metric_filter.failed_deliveries["f"].pattern)[0]
    }\"\\);", file("../../../libs/realtime/src/delivery.rs"))) == 1
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
