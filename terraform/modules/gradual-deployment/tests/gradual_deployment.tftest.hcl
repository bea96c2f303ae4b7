mock_provider "aws" {
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::000000000000:role/r" }
  }
}

variables {
  name_prefix = "mylg-prod"
  functions = {
    auth-router = { function_name = "mylg-prod-auth-router", arn = "arn:aws:lambda:eu-central-1:000000000000:function:mylg-prod-auth-router", version = "7" }
    ws-provider = { function_name = "mylg-prod-ws-provider", arn = "arn:aws:lambda:eu-central-1:000000000000:function:mylg-prod-ws-provider", version = "12" }
  }
  canary      = {}
  alarm_names = ["mylg-prod-http-5xx"]
}

run "a_tenth_for_five_minutes_and_back_on_an_alarm" {
  command = apply

  assert {
    condition     = aws_codedeploy_app.this[0].name == "mylg-prod" && aws_codedeploy_app.this[0].compute_platform == "Lambda" && output.application_name == "mylg-prod"
    error_message = "shift.sh finds the application by the environment's name."
  }

  assert {
    condition = (
      aws_codedeploy_deployment_config.this[0].traffic_routing_config[0].type == "TimeBasedCanary"
      && aws_codedeploy_deployment_config.this[0].traffic_routing_config[0].time_based_canary[0].percentage == 10
      && aws_codedeploy_deployment_config.this[0].traffic_routing_config[0].time_based_canary[0].interval == 5
    )
    error_message = "A tenth of the traffic for five minutes."
  }

  assert {
    condition     = keys(aws_codedeploy_deployment_group.this) == ["auth-router", "ws-provider"]
    error_message = "Each function has a group under its short name."
  }

  assert {
    condition = alltrue([
      for name, group in aws_codedeploy_deployment_group.this :
      group.alarm_configuration[0].enabled && !group.alarm_configuration[0].ignore_poll_alarm_failure
      && group.alarm_configuration[0].alarms == toset(["mylg-prod-${name}-canary", "mylg-prod-http-5xx"])
      && group.auto_rollback_configuration[0].enabled
      && group.auto_rollback_configuration[0].events == toset(["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"])
      && group.deployment_style[0].deployment_type == "BLUE_GREEN" && group.deployment_style[0].deployment_option == "WITH_TRAFFIC_CONTROL"
    ])
    error_message = "Each group watches its own alarm and the common ones, and goes back by itself."
  }

  assert {
    condition = aws_cloudwatch_metric_alarm.canary["ws-provider"].dimensions == tomap({
      FunctionName    = "mylg-prod-ws-provider"
      Resource        = "mylg-prod-ws-provider:live"
      ExecutedVersion = "12"
    })
    error_message = "The alarm is about the new version alone."
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.codedeploy[0].policy).Statement == [
      {
        Sid    = "Aliases"
        Effect = "Allow"
        Action = ["lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig", "lambda:UpdateAlias"]
        Resource = [
          "arn:aws:lambda:eu-central-1:000000000000:function:mylg-prod-auth-router",
          "arn:aws:lambda:eu-central-1:000000000000:function:mylg-prod-auth-router:live",
          "arn:aws:lambda:eu-central-1:000000000000:function:mylg-prod-ws-provider",
          "arn:aws:lambda:eu-central-1:000000000000:function:mylg-prod-ws-provider:live",
        ]
      },
      { Sid = "Alarms", Effect = "Allow", Action = ["cloudwatch:DescribeAlarms"], Resource = "*" },
    ]
    error_message = "CodeDeploy moves these aliases, reads alarms, and nothing else."
  }
}

run "without_codedeploy_the_alarms_stay" {
  command = plan

  variables {
    canary = { percent = 25, minutes = 1, codedeploy = false }
  }

  assert {
    condition = (
      length(aws_codedeploy_app.this) + length(aws_codedeploy_deployment_config.this) + length(aws_codedeploy_deployment_group.this) + length(aws_iam_role.codedeploy) == 0
      && length(aws_cloudwatch_metric_alarm.canary) == 2 && output.application_name == null
    )
    error_message = "shift.sh moves the weights itself, and reads the same alarms."
  }
}

run "a_share_of_everything_is_refused" {
  command = plan

  variables {
    canary = { percent = 100 }
  }

  expect_failures = [var.canary]
}

run "a_time_of_nothing_is_refused" {
  command = plan

  variables {
    canary = { minutes = 0 }
  }

  expect_failures = [var.canary]
}
