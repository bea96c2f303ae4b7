mock_provider "aws" {
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-central-1:000000000000:log-group:g" }
  }

  mock_resource "aws_apigatewayv2_api" {
    defaults = { execution_arn = "arn:aws:execute-api:eu-central-1:000000000000:api" }
  }
}

variables {
  name                  = "mylg-dev-http"
  functions             = { f = { invoke_arn = "arn:aws:apigateway:eu-central-1:lambda:path/x", function_name = "mylg-dev-f" } }
  routes                = { "ANY /f/{proxy+}" = "f", "POST /f/login" = "f" }
  throttling            = { rate = 10, burst = 20 }
  route_throttling      = { "POST /f/login" = { rate = 2, burst = 4 } }
  detailed_metrics      = false
  log_retention_in_days = 14
}

run "the_api_is_as_its_clients_need_it" {
  command = apply

  assert {
    condition     = [for key, route in aws_apigatewayv2_route.this : route.route_key] == ["ANY /f/{proxy+}", "POST /f/login"]
    error_message = "Every route of stack.yaml is there, and no other."
  }

  assert {
    condition     = length(aws_apigatewayv2_api.this.cors_configuration) == 0
    error_message = "CORS is the functions': the API's own would override it."
  }

  assert {
    condition     = aws_apigatewayv2_integration.this["f"].payload_format_version == "2.0"
    error_message = "Functions read payload format 2.0."
  }

  assert {
    condition     = !strcontains(aws_apigatewayv2_stage.this.access_log_settings[0].format, "query")
    error_message = "Access logs have no queries."
  }

  assert {
    condition     = [for settings in aws_apigatewayv2_stage.this.route_settings : "${settings.route_key} ${settings.throttling_rate_limit} ${settings.throttling_burst_limit}"] == ["POST /f/login 2 4"]
    error_message = "A route's own throttle is not as it was set."
  }

  assert {
    condition     = aws_apigatewayv2_stage.this.default_route_settings[0].detailed_metrics_enabled == false && [for settings in aws_apigatewayv2_stage.this.route_settings : settings.detailed_metrics_enabled] == [false]
    error_message = "Metrics by route are paid for one by one."
  }

  assert {
    condition     = aws_cloudwatch_log_group.access.name == "/aws/vendedlogs/apigateway/mylg-dev-http" && aws_cloudwatch_log_group.access.retention_in_days == 14
    error_message = "Access logs are elsewhere, or kept for another time."
  }

  assert {
    condition     = aws_lambda_permission.this["f"].qualifier == "live"
    error_message = "The API calls the alias."
  }
}

run "a_throttle_of_no_route_is_refused" {
  command = plan

  variables {
    route_throttling = { "POST /f/logout" = { rate = 2, burst = 4 } }
  }

  expect_failures = [var.route_throttling]
}

run "logs_stay_where_they_are_kept" {
  command = plan

  variables {
    keep_logs   = true
    kms_key_arn = "arn:aws:kms:eu-central-1:000000000000:key/00000000-0000-0000-0000-000000000000"
  }

  assert {
    condition     = aws_cloudwatch_log_group.access.skip_destroy && aws_cloudwatch_log_group.access.kms_key_id == "arn:aws:kms:eu-central-1:000000000000:key/00000000-0000-0000-0000-000000000000"
    error_message = "The log group would be destroyed, or is encrypted with another key."
  }
}
