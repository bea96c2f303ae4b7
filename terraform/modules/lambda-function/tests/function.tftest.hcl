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
  name                    = "mylg-dev-f"
  description             = "A function"
  zip                     = "../backend/tests/zips/auth-router.zip"
  layer_arn               = "arn:aws:lambda:eu-central-1:000000000000:layer:l:1"
  architecture            = "x86_64"
  memory_mb               = 256
  timeout_s               = 28
  environment             = { A = "1" }
  statements              = [{ Sid = "S", Effect = "Allow", Action = ["dynamodb:GetItem"], Resource = "arn:aws:dynamodb:eu-central-1:000000000000:table/t" }]
  log_retention_in_days   = 14
  log_level               = "info"
  system_log_level        = "INFO"
  reserved_concurrency    = -1
  provisioned_concurrency = 0
  tracing                 = false
  alarm_actions           = []
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
    condition     = aws_cloudwatch_metric_alarm.errors.dimensions.FunctionName == "mylg-dev-f" && aws_cloudwatch_metric_alarm.throttles.threshold == 1
    error_message = "Errors and throttles raise an alarm."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.near_timeout.metric_name == "Duration" && aws_cloudwatch_metric_alarm.near_timeout.threshold == 22400
    error_message = "Events that take four fifths of the time-out raise an alarm."
  }

  assert {
    condition     = aws_lambda_function.this.logging_config[0].application_log_level == "INFO" && aws_lambda_function.this.logging_config[0].system_log_level == "INFO"
    error_message = "Lambda lets lines at INFO through, its own too."
  }

  assert {
    condition     = length(aws_lambda_provisioned_concurrency_config.live) == 0
    error_message = "Nothing is kept warm unless asked for."
  }

  assert {
    condition     = !aws_cloudwatch_log_group.this.skip_destroy && aws_iam_role.this.permissions_boundary == null
    error_message = "Log groups go with the function, and the role has no boundary, unless asked for."
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

run "audit_lines_pass_at_every_log_level" {
  command = plan

  variables {
    log_level        = "error"
    system_log_level = "WARN"
  }

  assert {
    condition     = aws_lambda_function.this.logging_config[0].application_log_level == "INFO" && aws_lambda_function.this.logging_config[0].system_log_level == "WARN"
    error_message = "Audit lines are at INFO: Lambda would drop them."
  }
}

run "debug_lines_pass_where_they_are_asked_for" {
  command = plan

  variables {
    log_level = "debug"
  }

  assert {
    condition     = aws_lambda_function.this.logging_config[0].application_log_level == "DEBUG"
    error_message = "Lambda would drop what LOG_LEVEL=debug writes."
  }
}

run "a_log_level_that_is_none_is_refused" {
  command = plan

  variables {
    log_level        = "loud"
    system_log_level = "ERROR"
  }

  expect_failures = [var.log_level, var.system_log_level]
}

run "warm_ones_stand_behind_the_alias" {
  command = apply

  variables {
    provisioned_concurrency = 2
  }

  assert {
    condition     = [for config in aws_lambda_provisioned_concurrency_config.live : "${config.function_name} ${config.qualifier} ${config.provisioned_concurrent_executions}"] == ["mylg-dev-f live 2"]
    error_message = "Clients call the alias: what is kept warm stands behind it."
  }
}

run "more_warm_ones_than_may_run_are_refused" {
  command = plan

  variables {
    reserved_concurrency    = 5
    provisioned_concurrency = 6
  }

  expect_failures = [var.provisioned_concurrency]
}

run "logs_stay_where_they_are_kept" {
  command = plan

  variables {
    keep_logs   = true
    kms_key_arn = "arn:aws:kms:eu-central-1:000000000000:key/00000000-0000-0000-0000-000000000000"
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.skip_destroy && aws_cloudwatch_log_group.this.kms_key_id == "arn:aws:kms:eu-central-1:000000000000:key/00000000-0000-0000-0000-000000000000"
    error_message = "The log group would be destroyed, or is encrypted with another key."
  }
}

run "a_role_is_bounded" {
  command = plan

  variables {
    permissions_boundary = "arn:aws:iam::000000000000:policy/boundary"
  }

  assert {
    condition     = aws_iam_role.this.permissions_boundary == "arn:aws:iam::000000000000:policy/boundary"
    error_message = "The role has another boundary."
  }
}
