# The WebSocket API: routes chosen by the frame's action, replies by route responses, access logs, no data trace.

resource "aws_apigatewayv2_api" "this" {
  name                       = var.name
  protocol_type              = "WEBSOCKET"
  route_selection_expression = var.route_selection_expression
}

resource "aws_apigatewayv2_integration" "this" {
  for_each = var.functions

  api_id               = aws_apigatewayv2_api.this.id
  integration_type     = "AWS_PROXY"
  integration_uri      = each.value.invoke_arn
  timeout_milliseconds = 29000
}

resource "aws_apigatewayv2_route" "this" {
  for_each = var.routes

  api_id                              = aws_apigatewayv2_api.this.id
  route_key                           = each.key
  target                              = "integrations/${aws_apigatewayv2_integration.this[each.value.function].id}"
  route_response_selection_expression = each.value.route_response ? "$default" : null
}

resource "aws_apigatewayv2_route_response" "this" {
  for_each = { for key, route in var.routes : key => route if route.route_response }

  api_id             = aws_apigatewayv2_api.this.id
  route_id           = aws_apigatewayv2_route.this[each.key].id
  route_response_key = "$default"
}

resource "aws_lambda_permission" "this" {
  for_each = var.functions

  statement_id  = "${var.name}-invoke"
  action        = "lambda:InvokeFunction"
  function_name = each.value.function_name
  qualifier     = "live"
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.this.execution_arn}/*/*"
}

resource "aws_apigatewayv2_deployment" "this" {
  api_id = aws_apigatewayv2_api.this.id

  # A WebSocket API shows a change only once it is deployed again.
  triggers = {
    redeployment = sha256(jsonencode([
      var.route_selection_expression,
      var.routes,
      { for name, integration in aws_apigatewayv2_integration.this : name => integration.integration_uri },
    ]))
  }

  lifecycle {
    create_before_destroy = true
  }

  depends_on = [aws_apigatewayv2_route.this, aws_apigatewayv2_route_response.this]
}

resource "aws_cloudwatch_log_group" "access" {
  # Under /aws/vendedlogs/ API Gateway needs no entry in the account's log resource policy, whose size is limited.
  name              = "/aws/vendedlogs/apigateway/${var.name}"
  retention_in_days = var.log_retention_in_days
  kms_key_id        = var.kms_key_arn
  skip_destroy      = var.keep_logs
}

resource "aws_apigatewayv2_stage" "this" {
  api_id        = aws_apigatewayv2_api.this.id
  name          = var.stage
  deployment_id = aws_apigatewayv2_deployment.this.id

  default_route_settings {
    throttling_rate_limit    = var.throttling.rate
    throttling_burst_limit   = var.throttling.burst
    detailed_metrics_enabled = var.detailed_metrics
    # Data trace would log frames, and execution logs the token in the query.
    data_trace_enabled = false
    logging_level      = "OFF"
  }

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access.arn
    format = jsonencode({
      requestId          = "$context.requestId"
      time               = "$context.requestTime"
      routeKey           = "$context.routeKey"
      eventType          = "$context.eventType"
      connectionId       = "$context.connectionId"
      status             = "$context.status"
      ip                 = "$context.identity.sourceIp"
      userAgent          = "$context.identity.userAgent"
      integrationLatency = "$context.integrationLatency"
      integrationError   = "$context.integration.error"
    })
  }
}
