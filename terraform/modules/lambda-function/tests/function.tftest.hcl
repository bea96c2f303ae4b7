mock_provider "aws" {
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::000000000000:role/r" }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-central-1:000000000000:log-group:g" }
  }

  mock_resource "aws_lambda_function" {
    defaults = { version = "7" }
  }

  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  name                  = "mylg-dev-f"
  description           = "A function"
  zip                   = "../backend/tests/zips/auth-router.zip"
  layer_arn             = "arn:aws:lambda:eu-central-1:000000000000:layer:l:1"
  architecture          = "x86_64"
  memory_mb             = 256
  timeout_s             = 28
  environment           = { A = "1" }
  statements            = [{ Sid = "S", Effect = "Allow", Action = ["dynamodb:GetItem"], Resource = "arn:aws:dynamodb:eu-central-1:000000000000:table/t" }]
  log_retention_in_days = 14
  reserved_concurrency  = -1
  tracing               = false
  alarm_actions         = []
}

run "a_version_is_published_behind_the_alias" {
  command = apply

  assert {
    condition     = aws_lambda_function.this.publish && aws_lambda_alias.live[0].name == "live" && aws_lambda_alias.live[0].function_version == "7" && length(aws_lambda_alias.gradual) == 0
    error_message = "The alias names the published version."
  }

  assert {
    condition     = aws_lambda_function.this.runtime == "provided.al2023" && aws_lambda_function.this.handler == "bootstrap"
    error_message = "A Rust function runs on provided.al2023."
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.this.policy).Statement == [
      { Sid = "Logs", Effect = "Allow", Action = ["logs:CreateLogStream", "logs:PutLogEvents"], Resource = "arn:aws:logs:eu-central-1:000000000000:log-group:g:*" },
      { Sid = "S", Effect = "Allow", Action = ["dynamodb:GetItem"], Resource = "arn:aws:dynamodb:eu-central-1:000000000000:table/t" },
    ]
    error_message = "The role logs, does what it was given, and nothing else."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.errors.dimensions.FunctionName == "mylg-dev-f" && aws_cloudwatch_metric_alarm.throttles.threshold == 1 && aws_cloudwatch_metric_alarm.duration.extended_statistic == "p99"
    error_message = "Errors, throttles and slow events raise an alarm."
  }
}

run "an_alias_that_is_shifted_is_left_alone" {
  command = plan

  variables {
    gradual = true
  }

  assert {
    condition     = length(aws_lambda_alias.live) == 0 && aws_lambda_alias.gradual[0].name == "live"
    error_message = "There is one alias live, and Terraform only makes it."
  }
}

run "a_time_out_longer_than_the_gateways_is_refused" {
  command = plan

  variables {
    timeout_s = 30
  }

  expect_failures = [var.timeout_s]
}
