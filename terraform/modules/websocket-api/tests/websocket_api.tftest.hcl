mock_provider "aws" {
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-central-1:000000000000:log-group:g" }
  }

  mock_resource "aws_apigatewayv2_api" {
    defaults = {
      api_endpoint  = "wss://api.execute-api.eu-central-1.amazonaws.com"
      execution_arn = "arn:aws:execute-api:eu-central-1:000000000000:api"
    }
  }
}

variables {
  name                       = "mylg-dev-websocket"
  stage                      = "live"
  route_selection_expression = "$request.body.action"
  functions                  = { f = { invoke_arn = "arn:aws:apigateway:eu-central-1:lambda:path/x", function_name = "mylg-dev-f" } }
  routes = {
    "$connect"    = { function = "f", route_response = false }
    "sendMessage" = { function = "f", route_response = true }
  }
  throttling            = { rate = 10, burst = 20 }
  detailed_metrics      = false
  log_retention_in_days = 14
}

run "replies_go_where_they_should" {
  command = apply

  assert {
    condition     = keys(aws_apigatewayv2_route_response.this) == ["sendMessage"]
    error_message = "A route with a reply has a route response, and no other has."
  }

  assert {
    condition     = aws_apigatewayv2_route.this["sendMessage"].route_response_selection_expression == "$default"
    error_message = "A reply needs the selection expression too."
  }

  assert {
    condition     = aws_apigatewayv2_stage.this.default_route_settings[0].data_trace_enabled == false && aws_apigatewayv2_stage.this.default_route_settings[0].logging_level == "OFF"
    error_message = "Frames and tokens are not logged."
  }

  assert {
    condition     = aws_apigatewayv2_stage.this.default_route_settings[0].detailed_metrics_enabled == false
    error_message = "Metrics by route are paid for one by one."
  }

  assert {
    condition     = aws_cloudwatch_log_group.access.name == "/aws/vendedlogs/apigateway/mylg-dev-websocket" && aws_cloudwatch_log_group.access.retention_in_days == 14
    error_message = "Access logs are elsewhere, or kept for another time."
  }

  # WebSocket APIs have another name for it than HTTP APIs.
  assert {
    condition     = jsondecode(aws_apigatewayv2_stage.this.access_log_settings[0].format).integrationError == "$context.integration.error"
    error_message = "A failed integration leaves no reason in the access log."
  }

  assert {
    condition     = output.management_url == "https://api.execute-api.eu-central-1.amazonaws.com/live" && output.url == "wss://api.execute-api.eu-central-1.amazonaws.com/live"
    error_message = "Addresses have the stage."
  }
}

run "a_changed_route_is_deployed_again" {
  command = apply

  variables {
    routes = { "$connect" = { function = "f", route_response = false } }
  }

  assert {
    condition     = aws_apigatewayv2_deployment.this.triggers.redeployment != run.replies_go_where_they_should.redeployment
    error_message = "Another set of routes is another deployment."
  }
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
