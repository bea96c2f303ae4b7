# The whole backend, planned and applied against a mocked provider: no account, no network. What is asserted here is exact.

mock_provider "aws" {
  mock_resource "aws_lambda_function" {
    defaults = { arn = "arn:aws:lambda:eu-central-1:000000000000:function:f", version = "7" }
  }

  mock_resource "aws_lambda_alias" {
    defaults = {
      arn        = "arn:aws:lambda:eu-central-1:000000000000:function:f:live"
      invoke_arn = "arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/f:live/invocations"
    }
  }

  mock_resource "aws_lambda_layer_version" {
    defaults = { arn = "arn:aws:lambda:eu-central-1:000000000000:layer:shared-utils:3" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::000000000000:role/r" }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-central-1:000000000000:log-group:g" }
  }

  mock_resource "aws_dynamodb_table" {
    defaults = { arn = "arn:aws:dynamodb:eu-central-1:000000000000:table/t" }
  }

  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-central-1:000000000000:key/1234abcd-12ab-34cd-a6ef-1234567890ab", key_id = "1234abcd-12ab-34cd-a6ef-1234567890ab" }
  }

  mock_resource "aws_apigatewayv2_api" {
    defaults = {
      id            = "api"
      api_endpoint  = "wss://api.execute-api.eu-central-1.amazonaws.com"
      execution_arn = "arn:aws:execute-api:eu-central-1:000000000000:api"
    }
  }

  mock_data "aws_kms_public_key" {
    defaults = { public_key = "MFkw" }
  }

  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }

  mock_data "aws_region" {
    defaults = { name = "eu-central-1" }
  }
}

variables {
  environment           = "dev"
  allowed_origins       = ["https://app.example.com", "http://localhost:5173", "https://*.preview.example.com"]
  build_dir             = "./tests/zips"
  deletion_protection   = false
  log_retention_in_days = 14
  throttling            = { rate = 100, burst = 200 }
}

run "environments_are_exact" {
  command = apply

  assert {
    condition = jsonencode(output.function_environments["auth-router"]) == jsonencode({
      ALLOWED_ORIGINS    = "https://app.example.com,http://localhost:5173,https://*.preview.example.com"
      AUTH_TABLE         = "mylg-dev-auth"
      CONNECTIONS_TABLE  = "mylg-dev-connections"
      JWT_AUDIENCE       = "mylg-dev-api"
      JWT_ISSUER         = "https://mylg-dev"
      JWT_KMS_KEY_ID     = "arn:aws:kms:eu-central-1:000000000000:key/1234abcd-12ab-34cd-a6ef-1234567890ab"
      JWT_PUBLIC_KEYS    = jsonencode({ k1 = "MFkw" })
      JWT_SIGNING_KEY_ID = "k1"
      LOG_LEVEL          = "info"
      MESSAGES_TABLE     = "mylg-dev-messages"
      PROJECTS_TABLE     = "mylg-dev-projects"
      WEBSOCKET_ENDPOINT = "https://api.execute-api.eu-central-1.amazonaws.com/live"
    })
    error_message = "auth-router's environment is not what its code reads: ${jsonencode(output.function_environments["auth-router"])}"
  }

  assert {
    condition = jsonencode(output.function_environments["projects-router"]) == jsonencode({
      ALLOWED_ORIGINS    = "https://app.example.com,http://localhost:5173,https://*.preview.example.com"
      AUTH_TABLE         = "mylg-dev-auth"
      CONNECTIONS_TABLE  = "mylg-dev-connections"
      JWT_AUDIENCE       = "mylg-dev-api"
      JWT_ISSUER         = "https://mylg-dev"
      JWT_PUBLIC_KEYS    = jsonencode({ k1 = "MFkw" })
      LOG_LEVEL          = "info"
      MESSAGES_TABLE     = "mylg-dev-messages"
      PROJECTS_TABLE     = "mylg-dev-projects"
      WEBSOCKET_ENDPOINT = "https://api.execute-api.eu-central-1.amazonaws.com/live"
    })
    error_message = "projects-router's environment is not what its code reads: ${jsonencode(output.function_environments["projects-router"])}"
  }

  # Rates are the code's own.
  assert {
    condition     = output.function_environments["messages-router"] == output.function_environments["ws-provider"]
    error_message = "messages-router and ws-provider read the same variables."
  }

  assert {
    condition     = jsonencode(keys(output.function_environments["ws-provider"])) == jsonencode(["ALLOWED_ORIGINS", "AUTH_TABLE", "CONNECTIONS_TABLE", "JWT_AUDIENCE", "JWT_ISSUER", "JWT_PUBLIC_KEYS", "LOG_LEVEL", "MESSAGES_TABLE", "PROJECTS_TABLE", "WEBSOCKET_ENDPOINT"])
    error_message = "ws-provider's environment is not what its code reads: ${jsonencode(keys(output.function_environments["ws-provider"]))}"
  }
}

run "rates_are_passed_where_they_are_set" {
  command = plan

  variables {
    rates = { SEND_RATE = "5/s:50", LOGIN_RATE = "off" }
  }

  assert {
    condition     = [for name, environment in output.function_environments : "${name} ${environment.SEND_RATE}" if can(environment.SEND_RATE)] == ["messages-router 5/s:50", "ws-provider 5/s:50"]
    error_message = "Both that send have the rate, and nobody else."
  }

  assert {
    condition     = output.function_environments["auth-router"].LOGIN_RATE == "off" && !can(output.function_environments["auth-router"].TICKET_RATE)
    error_message = "auth-router has the one rate that is set."
  }
}

run "a_rate_that_nobody_reads_is_refused" {
  command = plan

  variables {
    rates = { LOGIN_RATES = "20/min" }
  }

  expect_failures = [var.rates]
}

run "a_rate_that_is_none_is_refused" {
  command = plan

  variables {
    rates = { LOGIN_RATE = "20/h" }
  }

  expect_failures = [var.rates]
}

run "a_rate_that_is_too_fast_is_refused" {
  command = plan

  variables {
    rates = { SEND_RATE = "1001/s" }
  }

  expect_failures = [var.rates]
}

run "roles_are_exact" {
  command = apply

  assert {
    condition = jsonencode(output.role_statements["ws-provider"]) == jsonencode([
      { Action = ["dynamodb:BatchGetItem", "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"], Effect = "Allow", Resource = "arn:aws:dynamodb:eu-central-1:000000000000:table/t", Sid = "TableMessages" },
      { Action = ["dynamodb:BatchGetItem"], Condition = { "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["REVOCATIONS"] } }, Effect = "Allow", Resource = "arn:aws:dynamodb:eu-central-1:000000000000:table/t", Sid = "TableAuthRevocations" },
      { Action = ["dynamodb:DeleteItem"], Condition = { "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["TICKET#*"] } }, Effect = "Allow", Resource = "arn:aws:dynamodb:eu-central-1:000000000000:table/t", Sid = "TableAuthTicket" },
      { Action = ["dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem"], Condition = { "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["PROJECT#*"] } }, Effect = "Allow", Resource = "arn:aws:dynamodb:eu-central-1:000000000000:table/t", Sid = "TableProjectsProject" },
      { Action = ["dynamodb:Query"], Effect = "Allow", Resource = "arn:aws:dynamodb:eu-central-1:000000000000:table/t/index/byMember", Sid = "TableProjectsByMember" },
      { Action = ["dynamodb:BatchGetItem", "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"], Effect = "Allow", Resource = "arn:aws:dynamodb:eu-central-1:000000000000:table/t", Sid = "TableConnections" },
      { Action = ["execute-api:ManageConnections"], Effect = "Allow", Resource = "arn:aws:execute-api:eu-central-1:000000000000:api/live/*/@connections/*", Sid = "Connections" },
    ])
    error_message = "ws-provider may do something else: ${jsonencode(output.role_statements["ws-provider"])}"
  }

  assert {
    condition     = [for name, statements in output.role_statements : name if anytrue([for statement in statements : contains(statement.Action, "kms:Sign")])] == ["auth-router"]
    error_message = "Only auth-router signs."
  }

  assert {
    condition     = alltrue(flatten([for statements in output.role_statements : [for statement in statements : [for action in statement.Action : !strcontains(action, "*") && !strcontains(action, "Scan")]]]))
    error_message = "No role has a wildcard action, and none scans."
  }

  assert {
    condition = [for name, statements in output.role_statements : name if anytrue([
      for statement in statements : startswith(statement.Sid, "TableMessages") && length(setsubtract(statement.Action, ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"])) > 0
    ])] == ["messages-router", "ws-provider"]
    error_message = "Two functions write messages; the others look up who shares a conversation with whom."
  }

  assert {
    condition     = alltrue(flatten([for statements in output.role_statements : [for statement in statements : statement.Resource != "*"]]))
    error_message = "Every permission names its resource."
  }
}

run "routes_are_exact" {
  command = plan

  assert {
    condition = output.http_routes == {
      "ANY /auth/{proxy+}"     = "auth-router"
      "ANY /projects"          = "projects-router"
      "ANY /projects/{proxy+}" = "projects-router"
      "ANY /messages/{proxy+}" = "messages-router"
    }
    error_message = "The HTTP API has other routes: ${jsonencode(output.http_routes)}"
  }

  assert {
    condition = output.websocket_routes == {
      "$connect"    = { function = "ws-provider", route_response = false }
      "$disconnect" = { function = "ws-provider", route_response = false }
      "$default"    = { function = "ws-provider", route_response = true }
      "sendMessage" = { function = "ws-provider", route_response = true }
    }
    error_message = "The WebSocket API has other routes: ${jsonencode(output.websocket_routes)}"
  }
}

run "a_missing_origin_is_refused" {
  command = plan

  variables {
    allowed_origins = []
  }

  expect_failures = [var.allowed_origins]
}

run "an_origin_without_a_scheme_is_refused" {
  command = plan

  variables {
    allowed_origins = ["app.example.com"]
  }

  expect_failures = [var.allowed_origins]
}

run "an_origin_with_a_path_is_refused" {
  command = plan

  variables {
    allowed_origins = ["https://app.example.com/"]
  }

  expect_failures = [var.allowed_origins]
}

run "a_wildcard_without_https_is_refused" {
  command = plan

  variables {
    allowed_origins = ["http://*.example.com"]
  }

  expect_failures = [var.allowed_origins]
}

run "a_missing_zip_is_refused" {
  command = plan

  variables {
    build_dir = "./tests/no-such-folder"
  }

  expect_failures = [var.build_dir]
}

run "an_environment_name_with_capitals_is_refused" {
  command = plan

  variables {
    environment = "Preview"
  }

  expect_failures = [var.environment]
}

run "an_environment_name_that_is_too_long_is_refused" {
  command = plan

  variables {
    environment = "preview-of-a-long-branch"
  }

  expect_failures = [var.environment]
}

run "a_wrong_architecture_is_refused" {
  command = plan

  variables {
    architecture = "riscv64"
  }

  expect_failures = [var.architecture]
}

run "an_odd_retention_is_refused" {
  command = plan

  variables {
    log_retention_in_days = 13
  }

  expect_failures = [var.log_retention_in_days]
}

run "a_canary_is_off_by_default" {
  command = plan

  assert {
    condition     = length(module.gradual_deployment) == 0
    error_message = "Without `canary` Terraform moves the aliases."
  }
}

run "a_canary_watches_the_apis_too" {
  command = apply

  variables {
    canary = {}
  }

  assert {
    condition = module.gradual_deployment[0].application_name == "mylg-dev" && module.gradual_deployment[0].alarm_names["ws-provider"] == [
      "mylg-dev-ws-provider-canary", "mylg-dev-http-5xx", "mylg-dev-websocket-integration-errors",
    ]
    error_message = "Every function has a group: ${jsonencode(module.gradual_deployment[0].alarm_names)}"
  }
}
