# Gradual deployments: for each function an alarm on the errors of its newest version, and a CodeDeploy group that shifts the alias `live`
# by weights and goes back when an alarm is raised. terraform/shift.sh starts them; with `codedeploy = false` it moves the weights itself.

locals {
  alarm_names = { for name, function in var.functions : name => concat([aws_cloudwatch_metric_alarm.canary[name].alarm_name], var.alarm_names) }
  runbook     = "alarm-canary"
  codedeploy  = var.canary.codedeploy ? var.functions : {}
}

# The new version alone: at a tenth of the traffic its errors would be lost among those of the old one. Terraform knows the version, because
# the same apply publishes it; the alias gets there later.
resource "aws_cloudwatch_metric_alarm" "canary" {
  for_each = var.functions

  alarm_name        = "${each.value.function_name}-canary"
  alarm_description = "Version ${each.value.version} of ${each.value.function_name} fails without an answer: its deployment goes back. Runbook: docs/operations.md#${local.runbook}"
  namespace         = "AWS/Lambda"
  metric_name       = "Errors"
  dimensions = {
    FunctionName    = each.value.function_name
    Resource        = "${each.value.function_name}:${var.alias}"
    ExecutedVersion = each.value.version
  }
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
}

resource "aws_codedeploy_app" "this" {
  count = var.canary.codedeploy ? 1 : 0

  name             = var.name_prefix
  compute_platform = "Lambda"
}

resource "aws_codedeploy_deployment_config" "this" {
  count = var.canary.codedeploy ? 1 : 0

  # AWS changes none of them: another share or time is another one. The name is a part of the environment's.
  deployment_config_name = "${var.name_prefix}-${var.canary.percent}-percent-${var.canary.minutes}-minutes"
  compute_platform       = "Lambda"

  traffic_routing_config {
    type = "TimeBasedCanary"

    time_based_canary {
      interval   = var.canary.minutes
      percentage = var.canary.percent
    }
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_codedeploy_deployment_group" "this" {
  for_each = local.codedeploy

  app_name               = aws_codedeploy_app.this[0].name
  deployment_group_name  = each.key
  deployment_config_name = aws_codedeploy_deployment_config.this[0].deployment_config_name
  service_role_arn       = aws_iam_role.codedeploy[0].arn

  deployment_style {
    deployment_type   = "BLUE_GREEN"
    deployment_option = "WITH_TRAFFIC_CONTROL"
  }

  alarm_configuration {
    enabled = true
    alarms  = local.alarm_names[each.key]
    # A deployment that cannot read its alarms goes back too.
    ignore_poll_alarm_failure = false
  }

  auto_rollback_configuration {
    enabled = true
    events  = ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"]
  }

  depends_on = [aws_iam_role_policy.codedeploy]
}

resource "aws_iam_role" "codedeploy" {
  count = var.canary.codedeploy ? 1 : 0

  name                 = "${var.name_prefix}-codedeploy"
  permissions_boundary = var.permissions_boundary
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "codedeploy.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "codedeploy" {
  count = var.canary.codedeploy ? 1 : 0

  name = "least-privilege"
  role = aws_iam_role.codedeploy[0].id
  # Written out, not AWS's own policy: that one may move the aliases of every function in the account.
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "Aliases"
        Effect = "Allow"
        Action = ["lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig", "lambda:UpdateAlias"]
        # The alias as a part of the function, and the function itself: Lambda names either, by the call.
        Resource = flatten([for name in sort(keys(var.functions)) : [var.functions[name].arn, "${var.functions[name].arn}:${var.alias}"]])
      },
      {
        Sid      = "Alarms"
        Effect   = "Allow"
        Action   = ["cloudwatch:DescribeAlarms"]
        Resource = "*" # CloudWatch describes alarms of the account, or none.
      },
    ]
  })
}
