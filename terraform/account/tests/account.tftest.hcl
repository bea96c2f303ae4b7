# Plans alone: the bucket refuses to be destroyed, also after a test.
# The account root against a mocked provider: who may take the roles, what they may not do, the state bucket, the budget.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
}

variables {
  region             = "eu-central-1"
  github_repository  = "studio/backend"
  alert_emails       = ["bill@example.com"]
  monthly_budget_usd = 150
}

run "only_environments_of_the_repository_deploy" {
  command = plan

  assert {
    condition = jsondecode(aws_iam_role.deploy.assume_role_policy).Statement == [{
      Effect    = "Allow"
      Action    = ["sts:AssumeRoleWithWebIdentity"]
      Principal = { Federated = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com" }
      Condition = {
        StringEquals = {
          "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
          "token.actions.githubusercontent.com:sub" = ["repo:studio/backend:environment:dev", "repo:studio/backend:environment:prod", "repo:studio/backend:environment:staging"]
        }
      }
    }]
    error_message = "Others may take the deploy role: ${aws_iam_role.deploy.assume_role_policy}"
  }

  assert {
    condition     = aws_iam_role.deploy.name == "mylg-deploy" && aws_iam_role.deploy.path == "/account/"
    error_message = "The deploy role must be outside of the names that it may change itself."
  }

  assert {
    condition     = aws_iam_openid_connect_provider.github[0].url == "https://token.actions.githubusercontent.com" && aws_iam_openid_connect_provider.github[0].client_id_list == toset(["sts.amazonaws.com"])
    error_message = "The provider is not GitHub's, for AWS."
  }
}

run "pull_requests_of_the_repository_plan" {
  command = plan

  assert {
    condition = [for statement in jsondecode(aws_iam_role.plan.assume_role_policy).Statement : statement.Condition] == [{
      StringEquals = { "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com" }
      StringLike   = { "token.actions.githubusercontent.com:sub" = ["repo:studio/backend:environment:plan-*", "repo:studio/backend:pull_request"] }
    }]
    error_message = "Others may take the plan role: ${aws_iam_role.plan.assume_role_policy}"
  }
}

run "the_plan_role_only_reads" {
  command = plan

  assert {
    condition = alltrue(flatten([
      for statement in jsondecode(aws_iam_policy.read.policy).Statement : [
        for action in statement.Action : can(regex("^[a-z0-9]+:(Get|List|Describe)[A-Za-z]+$", action)) || action == "apigateway:GET"
      ] if statement.Effect == "Allow"
    ]))
    error_message = "The plan role may change something."
  }
}

run "neither_role_signs_or_reads_items" {
  command = plan

  # Both have this policy, and a denial counts more than whatever allows it.
  assert {
    condition     = keys(aws_iam_role_policy_attachment.read) == ["deploy", "plan"]
    error_message = "A role has no denials."
  }

  assert {
    condition = length(setsubtract(
      ["kms:Sign", "dynamodb:BatchGetItem", "dynamodb:ExportTableToPointInTime", "dynamodb:GetItem", "dynamodb:PartiQL*", "dynamodb:Query", "dynamodb:Scan"],
      flatten([for statement in jsondecode(aws_iam_policy.read.policy).Statement : statement.Action if statement.Effect == "Deny" && try(statement.Resource, null) == ["*"] && !can(statement.Condition)]),
    )) == 0
    error_message = "A workflow's role may sign, or read the items of a table."
  }

  assert {
    condition = jsonencode(one([for statement in jsondecode(aws_iam_policy.read.policy).Statement : statement if statement.Sid == "NeverWriteItems"])) == jsonencode({
      Sid         = "NeverWriteItems"
      Effect      = "Deny"
      NotResource = ["arn:aws:dynamodb:eu-central-1:123456789012:table/mylg-preview-*-auth"]
      Action      = ["dynamodb:BatchWriteItem", "dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
    })
    error_message = "A workflow's role may write items of other tables than the people of previews."
  }

  assert {
    condition = length(setintersection(
      flatten([for policy in [aws_iam_policy.read.policy, aws_iam_policy.deploy["core"].policy, aws_iam_policy.deploy["access"].policy, aws_iam_policy.deploy["files"].policy] : [for statement in jsondecode(policy).Statement : statement.Action if statement.Effect == "Allow"]]),
      ["kms:Sign", "ses:SendEmail", "s3:PutObjectTagging", "lambda:InvokeFunction", "logs:FilterLogEvents", "logs:GetLogEvents", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:RestoreTableToPointInTime"],
    )) == 0
    error_message = "A statement allows what another one denies."
  }

  assert {
    condition     = [for statement in jsondecode(aws_iam_policy.read.policy).Statement : statement.Resource if statement.Sid == "NeverTheAccountState"] == [["arn:aws:s3:::mylg-terraform-123456789012-eu-central-1/mylg/account/*"]]
    error_message = "A workflow may change the account's own state."
  }
}

run "no_workflow_reads_files_or_sends_mail" {
  command = plan

  assert {
    condition = jsonencode([for statement in jsondecode(aws_iam_policy.read.policy).Statement : [statement.Effect, statement.Resource, statement.Action] if contains(["NeverReadOrWriteFiles", "NeverSendMail"], statement.Sid)]) == jsonencode([
      ["Deny", ["arn:aws:s3:::mylg-*-files-123456789012-eu-central-1/*"], ["s3:GetObject*", "s3:PutObject*", "s3:RestoreObject"]],
      ["Deny", ["*"], ["ses:Send*"]],
    ])
    error_message = "A workflow's role may read people's files, or write to them in the studio's name."
  }

  # The only files that a workflow deletes are those of previews.
  assert {
    condition = [
      for statement in jsondecode(aws_iam_policy.deploy["files"].policy).Statement : statement.Resource if length(setintersection(statement.Action, ["s3:DeleteObject", "s3:DeleteObjectVersion"])) > 0
    ] == [["arn:aws:s3:::mylg-preview-*-files-123456789012-eu-central-1/*"]]
    error_message = "A workflow deletes files of an environment that people work in."
  }

  # The bucket of the states is not one of them.
  assert {
    condition     = alltrue([for statement in jsondecode(aws_iam_policy.deploy["files"].policy).Statement : alltrue([for resource in statement.Resource : !startswith(resource, "arn:aws:s3:") || strcontains(resource, "-files-123456789012-eu-central-1")])])
    error_message = "A deployment may change another bucket."
  }

  assert {
    condition     = [for statement in jsondecode(aws_iam_policy.boundary.policy).Statement : statement.Resource if contains(statement.Action, "s3:GetObject")] == [["arn:aws:s3:::mylg-*-files-123456789012-eu-central-1/*"]]
    error_message = "A function could read another bucket."
  }
}

run "nothing_is_allowed_wholesale" {
  command = plan

  assert {
    condition = alltrue(flatten([
      for policy in [aws_iam_policy.read.policy, aws_iam_policy.deploy["core"].policy, aws_iam_policy.deploy["access"].policy, aws_iam_policy.deploy["files"].policy, aws_iam_policy.boundary.policy] : [
        for statement in jsondecode(policy).Statement : [for action in statement.Action : !strcontains(action, "*")] if statement.Effect == "Allow"
      ]
    ]))
    error_message = "An action is allowed by a pattern."
  }

  assert {
    condition     = toset([for statement in flatten([for name in ["core", "access", "files"] : jsondecode(aws_iam_policy.deploy[name].policy).Statement]) : statement.Sid if statement.Effect == "Allow" && contains(statement.Resource, "*")]) == toset(["NewKeys", "AccessLogs", "NewScans"])
    error_message = "A further statement is limited to no resource."
  }

  # The limit of AWS.
  assert {
    condition     = alltrue([for policy in [aws_iam_policy.read.policy, aws_iam_policy.deploy["core"].policy, aws_iam_policy.deploy["access"].policy, aws_iam_policy.deploy["files"].policy, aws_iam_policy.boundary.policy] : length(policy) <= 6144])
    error_message = "A policy is longer than AWS takes: ${length(aws_iam_policy.read.policy)}, ${length(aws_iam_policy.deploy["core"].policy)}, ${length(aws_iam_policy.deploy["access"].policy)}, ${length(aws_iam_policy.deploy["files"].policy)}, ${length(aws_iam_policy.boundary.policy)}."
  }
}

run "keys_of_ones_own_are_used_by_tables_and_files_only" {
  command = plan

  assert {
    condition = alltrue(flatten([
      for policy in [aws_iam_policy.deploy["core"].policy, aws_iam_policy.deploy["access"].policy, aws_iam_policy.deploy["files"].policy, aws_iam_policy.boundary.policy] : [
        for statement in jsondecode(policy).Statement : contains(["dynamodb.eu-central-1.amazonaws.com", "s3.eu-central-1.amazonaws.com"], try(statement.Condition.StringEquals["kms:ViaService"], ""))
        if length(setintersection(statement.Action, ["kms:CreateGrant", "kms:Decrypt"])) > 0
      ]
    ]))
    error_message = "A key that encrypts can be used for something else than tables and files."
  }
}

run "roles_are_passed_to_three_services_only" {
  command = plan

  assert {
    condition = [for statement in jsondecode(aws_iam_policy.deploy["core"].policy).Statement : { resource = statement.Resource, condition = statement.Condition } if statement.Effect == "Allow" && contains(statement.Action, "iam:PassRole")] == [{
      resource  = ["arn:aws:iam::123456789012:role/mylg-*"]
      condition = { StringEquals = { "iam:PassedToService" = ["codedeploy.amazonaws.com", "lambda.amazonaws.com", "malware-protection-plan.guardduty.amazonaws.com"] } }
    }]
    error_message = "Roles can be passed to other services."
  }

  assert {
    condition     = [for statement in jsondecode(aws_iam_policy.deploy["core"].policy).Statement : try(statement.Condition, null) if statement.Sid == "Permissions"] == [null]
    error_message = "The boundary is asked for before environments have it."
  }
}

run "the_boundary_can_be_required" {
  command = plan

  variables {
    boundary_required = true
  }

  assert {
    condition = [for statement in jsondecode(aws_iam_policy.deploy["core"].policy).Statement : statement.Condition if statement.Sid == "Permissions"] == [
      { StringEquals = { "iam:PermissionsBoundary" = "arn:aws:iam::123456789012:policy/account/mylg-boundary" } }
    ]
    error_message = "A role can be made without the boundary."
  }
}

run "the_boundary_signs_with_keys_of_the_project_only" {
  command = plan

  assert {
    condition     = [for statement in jsondecode(aws_iam_policy.boundary.policy).Statement : statement.Condition if contains(statement.Action, "kms:Sign")] == [{ StringEquals = { "aws:ResourceTag/Project" = "mylg" } }]
    error_message = "A function could sign with a key of another project."
  }

  assert {
    condition     = length([for statement in jsondecode(aws_iam_policy.boundary.policy).Statement : statement if anytrue([for action in statement.Action : startswith(action, "iam:")])]) == 0
    error_message = "A role of an environment could change roles."
  }
}

run "the_state_bucket_is_private_and_keeps_history" {
  command = plan

  assert {
    condition     = aws_s3_bucket.state.bucket == "mylg-terraform-123456789012-eu-central-1" && aws_s3_bucket_versioning.state.versioning_configuration[0].status == "Enabled"
    error_message = "The states have no history."
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.state.rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"
    error_message = "The states are not encrypted."
  }

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.state.block_public_acls, aws_s3_bucket_public_access_block.state.ignore_public_acls,
      aws_s3_bucket_public_access_block.state.block_public_policy, aws_s3_bucket_public_access_block.state.restrict_public_buckets,
    ])
    error_message = "The state bucket could become public."
  }

  assert {
    condition     = [for statement in jsondecode(aws_s3_bucket_policy.state.policy).Statement : [statement.Effect, statement.Principal, statement.Action, statement.Condition]] == [["Deny", "*", ["s3:*"], { Bool = { "aws:SecureTransport" = "false" } }]]
    error_message = "The states can be read without TLS."
  }

  assert {
    condition     = one(aws_s3_bucket_lifecycle_configuration.state.rule[0].noncurrent_version_expiration).noncurrent_days == 90 && one(aws_s3_bucket_lifecycle_configuration.state.rule[0].noncurrent_version_expiration).newer_noncurrent_versions == 10
    error_message = "Old versions of states are kept for ever, or not long enough."
  }
}

run "api_gateway_may_write_logs" {
  command = plan

  assert {
    condition     = endswith(aws_iam_role_policy_attachment.api_gateway_logs.policy_arn, "/AmazonAPIGatewayPushToCloudWatchLogs") && jsondecode(aws_iam_role.api_gateway_logs.assume_role_policy).Statement[0].Principal == { Service = "apigateway.amazonaws.com" }
    error_message = "A WebSocket stage would be refused."
  }
}

run "somebody_is_told_of_the_bill" {
  command = plan

  assert {
    condition     = aws_budgets_budget.monthly.limit_amount == "150" && aws_budgets_budget.monthly.limit_unit == "USD" && aws_budgets_budget.monthly.time_unit == "MONTHLY"
    error_message = "The budget is another one."
  }

  assert {
    condition     = toset([for notification in aws_budgets_budget.monthly.notification : "${notification.notification_type} ${notification.threshold}"]) == toset(["ACTUAL 80", "ACTUAL 100", "FORECASTED 100"])
    error_message = "The budget tells at other amounts."
  }

  assert {
    condition     = alltrue([for notification in aws_budgets_budget.monthly.notification : notification.subscriber_sns_topic_arns == toset(["arn:aws:sns:eu-central-1:123456789012:account-mylg-alerts"])]) && keys(aws_sns_topic_subscription.alerts) == ["bill@example.com"]
    error_message = "Nobody is told."
  }
}

run "an_existing_provider_is_used" {
  command = plan

  variables {
    github_oidc_provider_exists = true
  }

  assert {
    condition     = length(aws_iam_openid_connect_provider.github) == 0
    error_message = "An account can have only one such provider."
  }
}

run "a_pattern_is_no_repository" {
  command = plan

  variables {
    github_repository = "studio/*"
  }

  expect_failures = [var.github_repository]
}

run "a_pattern_is_no_environment" {
  command = plan

  variables {
    github_environments = ["*"]
  }

  expect_failures = [var.github_environments]
}

run "an_environment_for_plans_cannot_deploy" {
  command = plan

  variables {
    github_environments = ["dev", "plan-dev"]
  }

  expect_failures = [var.github_environments]
}

run "an_alarm_needs_a_reader" {
  command = plan

  variables {
    alert_emails = []
  }

  expect_failures = [var.alert_emails]
}
