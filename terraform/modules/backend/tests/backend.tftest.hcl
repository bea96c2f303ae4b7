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

  mock_resource "aws_sesv2_email_identity" {
    defaults = { dkim_signing_attributes = { tokens = ["one", "two", "three"] } }
  }

  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:eu-central-1:000000000000:alarms" }
  }

  mock_data "aws_kms_public_key" {
    defaults = { public_key = "MFkw" }
  }

  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }

  mock_data "aws_caller_identity" {
    defaults = { account_id = "000000000000" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
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
      FILES_BUCKET       = "mylg-dev-files-000000000000-eu-central-1"
      GLIBC_TUNABLES     = "glibc.malloc.tcache_count=300"
      JWT_AUDIENCE       = "mylg-dev-api"
      JWT_ISSUER         = "https://mylg-dev"
      JWT_KMS_KEY_ID     = "arn:aws:kms:eu-central-1:000000000000:key/1234abcd-12ab-34cd-a6ef-1234567890ab"
      JWT_PUBLIC_KEYS    = jsonencode({ k1 = "MFkw" })
      JWT_SIGNING_KEY_ID = "k1"
      LOG_LEVEL          = "info"
      METRICS_NAMESPACE  = "mylg-dev"
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
      FILES_BUCKET       = "mylg-dev-files-000000000000-eu-central-1"
      GLIBC_TUNABLES     = "glibc.malloc.tcache_count=300"
      JWT_AUDIENCE       = "mylg-dev-api"
      JWT_ISSUER         = "https://mylg-dev"
      JWT_PUBLIC_KEYS    = jsonencode({ k1 = "MFkw" })
      LOG_LEVEL          = "info"
      METRICS_NAMESPACE  = "mylg-dev"
      MESSAGES_TABLE     = "mylg-dev-messages"
      PROJECTS_TABLE     = "mylg-dev-projects"
      WEBSOCKET_ENDPOINT = "https://api.execute-api.eu-central-1.amazonaws.com/live"
    })
    error_message = "projects-router's environment is not what its code reads: ${jsonencode(output.function_environments["projects-router"])}"
  }

  # Rates, limits and options are the code's own.
  assert {
    condition     = output.function_environments["messages-router"] == output.function_environments["ws-provider"]
    error_message = "messages-router and ws-provider read the same variables."
  }

  assert {
    condition     = jsonencode(keys(output.function_environments["ws-provider"])) == jsonencode(["ALLOWED_ORIGINS", "AUTH_TABLE", "CONNECTIONS_TABLE", "FILES_BUCKET", "GLIBC_TUNABLES", "JWT_AUDIENCE", "JWT_ISSUER", "JWT_PUBLIC_KEYS", "LOG_LEVEL", "MESSAGES_TABLE", "METRICS_NAMESPACE", "PROJECTS_TABLE", "WEBSOCKET_ENDPOINT"])
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

run "limits_and_options_are_passed_where_they_are_set" {
  command = plan

  variables {
    limits  = { FILE_MAX_BYTES = 52428800, PROJECT_FILES_MAX_BYTES = 1099511627776 }
    options = { SIGN_UP = "off" }
  }

  assert {
    condition     = { for name, environment in output.function_environments : name => lookup(environment, "FILE_MAX_BYTES", null) } == { auth-router = null, messages-router = "52428800", projects-router = "52428800", ws-provider = null }
    error_message = "The two that take files have the limit, and nobody else."
  }

  assert {
    condition     = output.function_environments["projects-router"].PROJECT_FILES_MAX_BYTES == "1099511627776" && !can(output.function_environments["messages-router"].CONVERSATION_FILES_MAX_BYTES)
    error_message = "A limit is written otherwise, or passed where none is set."
  }

  assert {
    condition     = output.function_environments["auth-router"].SIGN_UP == "off" && !can(output.function_environments["auth-router"].ADMIN_MFA)
    error_message = "auth-router has the one option that is set."
  }
}

run "a_limit_that_nobody_reads_is_refused" {
  command = plan

  variables {
    limits = { FILES_MAX_BYTES = 1 }
  }

  expect_failures = [var.limits]
}

run "a_limit_that_is_none_is_refused" {
  command = plan

  variables {
    limits = { FILE_MAX_BYTES = 0.5 }
  }

  expect_failures = [var.limits]
}

run "an_option_that_nobody_reads_is_refused" {
  command = plan

  variables {
    options = { SIGNUP = "off" }
  }

  expect_failures = [var.options]
}

run "an_option_of_two_words_is_refused" {
  command = plan

  variables {
    options = { SIGN_UP = "not now" }
  }

  expect_failures = [var.options]
}

# Functions would wait for tags that nobody writes.
run "the_scan_is_no_option" {
  command = plan

  variables {
    options = { MALWARE_SCAN = "on" }
  }

  expect_failures = [var.options]
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
      { Action = ["dynamodb:BatchGetItem"], Condition = { "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["REVOCATIONS#*"] } }, Effect = "Allow", Resource = "arn:aws:dynamodb:eu-central-1:000000000000:table/t", Sid = "TableAuthRevocations" },
      { Action = ["dynamodb:DeleteItem"], Condition = { "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["TICKET#*"] } }, Effect = "Allow", Resource = "arn:aws:dynamodb:eu-central-1:000000000000:table/t", Sid = "TableAuthTicket" },
      { Action = ["dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem"], Condition = { "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["PROJECT#*"] } }, Effect = "Allow", Resource = "arn:aws:dynamodb:eu-central-1:000000000000:table/t", Sid = "TableProjectsProject" },
      { Action = ["dynamodb:Query"], Effect = "Allow", Resource = "arn:aws:dynamodb:eu-central-1:000000000000:table/t/index/byMember", Sid = "TableProjectsByMember" },
      { Action = ["dynamodb:BatchGetItem", "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"], Effect = "Allow", Resource = "arn:aws:dynamodb:eu-central-1:000000000000:table/t", Sid = "TableConnections" },
      { Action = ["s3:DeleteObject"], Effect = "Allow", Resource = ["arn:aws:s3:::mylg-dev-files-000000000000-eu-central-1/conversations/*"], Sid = "BucketFilesConversations" },
      { Action = ["execute-api:ManageConnections"], Effect = "Allow", Resource = "arn:aws:execute-api:eu-central-1:000000000000:api/live/*/@connections/*", Sid = "Connections" },
    ])
    error_message = "ws-provider may do something else: ${jsonencode(output.role_statements["ws-provider"])}"
  }

  assert {
    condition     = [for name, statements in output.role_statements : name if anytrue([for statement in statements : contains(statement.Action, "kms:Sign")])] == ["auth-router"]
    error_message = "Only auth-router signs."
  }

  assert {
    condition = jsonencode([for statement in output.role_statements["auth-router"] : statement if statement.Sid == "Sign"]) == jsonencode([
      { Action = ["kms:Sign"], Effect = "Allow", Resource = ["arn:aws:kms:eu-central-1:000000000000:key/1234abcd-12ab-34cd-a6ef-1234567890ab"], Sid = "Sign" },
    ])
    error_message = "auth-router signs with something else: ${jsonencode(output.role_statements["auth-router"])}"
  }

  # The other half of the permission: the key's own policy.
  assert {
    condition     = [for statement in output.signing_key_policy.Statement : try(statement.Condition.ArnEquals["aws:PrincipalArn"], []) if contains(statement.Action, "kms:Sign")] == [["arn:aws:iam::000000000000:role/mylg-dev-auth-router"]]
    error_message = "The key lets someone else sign: ${jsonencode(output.signing_key_policy)}"
  }

  assert {
    condition     = alltrue(flatten([for statements in output.role_statements : [for statement in statements : [for action in statement.Action : !strcontains(action, "*") && !strcontains(action, "Scan")]]]))
    error_message = "No role has a wildcard action, and none scans."
  }

  # Each function has the files of its own keys.
  assert {
    condition = { for name, statements in output.role_statements : name => jsonencode([for statement in statements : statement if startswith(statement.Sid, "Bucket")]) } == {
      for name, statement in {
        auth-router     = { prefix = "people", actions = ["s3:DeleteObject", "s3:GetObject", "s3:GetObjectTagging", "s3:PutObject"] }
        messages-router = { prefix = "conversations", actions = ["s3:DeleteObject", "s3:GetObject", "s3:GetObjectTagging", "s3:PutObject"] }
        projects-router = { prefix = "projects", actions = ["s3:DeleteObject", "s3:GetObject", "s3:GetObjectTagging", "s3:PutObject"] }
        ws-provider     = { prefix = "conversations", actions = ["s3:DeleteObject"] }
        } : name => jsonencode([{
          Sid = "BucketFiles${title(statement.prefix)}", Effect = "Allow", Action = statement.actions, Resource = ["arn:aws:s3:::mylg-dev-files-000000000000-eu-central-1/${statement.prefix}/*"]
      }])
    }
    error_message = "A function has the files of another, or may do something else with its own: ${jsonencode(output.role_statements)}"
  }

  assert {
    condition     = alltrue(flatten([for statements in output.role_statements : [for statement in statements : [for action in statement.Action : !startswith(action, "ses:")]]]))
    error_message = "A function may send mail where no mail is set."
  }

  assert {
    condition = jsonencode({ for name, statements in output.role_statements : name => distinct(flatten([
      for statement in statements : try(statement.Condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"], ["everything"])
      if startswith(statement.Sid, "TableMessages") && length(setsubtract(statement.Action, ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"])) > 0
      ])) }) == jsonencode({
      auth-router     = []
      messages-router = ["everything"]
      projects-router = ["NOTIFICATIONS#*"]
      ws-provider     = ["everything"]
    })
    error_message = "Two functions write messages, and one notifications of them; the others look up who shares a conversation with whom."
  }

  assert {
    condition     = alltrue(flatten([for statements in output.role_statements : [for statement in statements : !contains(flatten([statement.Resource]), "*")]]))
    error_message = "Every permission names its resource."
  }
}

run "auth_router_signs_with_every_key_during_a_rotation" {
  command = apply

  variables {
    signing_keys = { current = "k2", others = ["k1"] }
  }

  assert {
    condition     = [for statement in output.role_statements["auth-router"] : length(statement.Resource) if statement.Sid == "Sign"] == [2]
    error_message = "The live version signs with k1 until its alias has moved: ${jsonencode(output.role_statements["auth-router"])}"
  }
}

run "routes_are_exact" {
  command = plan

  assert {
    condition = output.http_routes == {
      "ANY /auth/{proxy+}"     = "auth-router"
      "POST /auth/login"       = "auth-router"
      "POST /auth/refresh"     = "auth-router"
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

run "functions_are_as_stack_yaml_has_them" {
  command = plan

  assert {
    condition = output.functions == {
      auth-router     = { memory_mb = 1769, reserved_concurrency = -1, provisioned_concurrency = 0 }
      messages-router = { memory_mb = 512, reserved_concurrency = -1, provisioned_concurrency = 0 }
      projects-router = { memory_mb = 256, reserved_concurrency = -1, provisioned_concurrency = 0 }
      ws-provider     = { memory_mb = 512, reserved_concurrency = -1, provisioned_concurrency = 0 }
    }
    error_message = "A function has another size: ${jsonencode(output.functions)}"
  }
}

run "an_environment_sizes_its_functions" {
  command = plan

  variables {
    reserved_concurrency = 4
    functions = {
      auth-router = { reserved_concurrency = 10, provisioned_concurrency = 1 }
      ws-provider = { memory_mb = 1024 }
    }
  }

  assert {
    condition = output.functions == {
      auth-router     = { memory_mb = 1769, reserved_concurrency = 10, provisioned_concurrency = 1 }
      messages-router = { memory_mb = 512, reserved_concurrency = 4, provisioned_concurrency = 0 }
      projects-router = { memory_mb = 256, reserved_concurrency = 4, provisioned_concurrency = 0 }
      ws-provider     = { memory_mb = 1024, reserved_concurrency = 4, provisioned_concurrency = 0 }
    }
    error_message = "A function has another size: ${jsonencode(output.functions)}"
  }
}

run "a_function_that_does_not_exist_is_refused" {
  command = plan

  variables {
    functions = { socket-provider = { memory_mb = 1024 } }
  }

  expect_failures = [var.functions]
}

run "too_little_memory_is_refused" {
  command = plan

  variables {
    functions = { ws-provider = { memory_mb = 64 } }
  }

  expect_failures = [var.functions]
}

run "more_warm_ones_than_may_run_are_refused" {
  command = plan

  variables {
    reserved_concurrency = 2
    functions            = { ws-provider = { provisioned_concurrency = 3 } }
  }

  expect_failures = [var.functions]
}

run "a_throttle_of_no_route_is_refused" {
  command = plan

  variables {
    route_throttling = { "POST /auth/logout" = { rate = 2, burst = 4 } }
  }

  expect_failures = [var.route_throttling]
}

run "a_cap_of_no_table_is_refused" {
  command = plan

  variables {
    throughput_caps = { users = { read = 100, write = 100 } }
  }

  expect_failures = [var.throughput_caps]
}

run "a_cap_of_nothing_is_refused" {
  command = plan

  variables {
    throughput_caps = { messages = { read = 0, write = 100 } }
  }

  expect_failures = [var.throughput_caps]
}

run "alarms_tell_a_topic_unless_others_are_named" {
  command = apply

  assert {
    condition     = output.alarm_topic_arn == "arn:aws:sns:eu-central-1:000000000000:alarms"
    error_message = "Nobody is told of an alarm."
  }

  assert {
    condition = jsondecode(aws_sns_topic.alarms[0].policy).Statement == [{
      Sid       = "Alarms"
      Effect    = "Allow"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Action    = "sns:Publish"
      Resource  = "arn:aws:sns:eu-central-1:000000000000:mylg-dev-alarms"
      Condition = { StringEquals = { "aws:SourceAccount" = "000000000000" } }
    }]
    error_message = "Someone else may publish alarms: ${aws_sns_topic.alarms[0].policy}"
  }
}

run "no_topic_where_others_are_told" {
  command = plan

  variables {
    alarm_actions = ["arn:aws:sns:eu-central-1:000000000000:on-call"]
  }

  assert {
    condition     = length(aws_sns_topic.alarms) == 0
    error_message = "A topic that nobody reads is made."
  }
}

run "every_alarm_has_a_runbook" {
  command = plan

  variables {
    canary = {}
  }

  assert {
    condition     = length(output.runbooks) == 34
    error_message = "There are other alarms: ${jsonencode(keys(output.runbooks))}"
  }

  assert {
    condition     = [for alarm, runbook in output.runbooks : alarm if !strcontains(file("../../../docs/operations.md"), "\n### ${replace(runbook, "/^alarm-/", "Alarm: ")}\n")] == []
    error_message = "docs/operations.md has no runbook for ${jsonencode([for alarm, runbook in output.runbooks : "${alarm} (${runbook})" if !strcontains(file("../../../docs/operations.md"), "\n### ${replace(runbook, "/^alarm-/", "Alarm: ")}\n")])}"
  }
}

run "production_is_guarded" {
  command = plan

  variables {
    production = true
  }

  assert {
    condition     = output.guarded
    error_message = "Terraform would destroy production."
  }
}

run "other_environments_can_be_destroyed" {
  command = plan

  assert {
    condition     = !output.guarded
    error_message = "Terraform would refuse to destroy an environment that nobody works in."
  }
}

run "a_restored_table_takes_the_place_of_another" {
  command = plan

  variables {
    table_name_overrides = { messages = "mylg-dev-messages-restored" }
  }

  assert {
    condition     = output.table_names == { auth = "mylg-dev-auth", connections = "mylg-dev-connections", messages = "mylg-dev-messages-restored", projects = "mylg-dev-projects" }
    error_message = "Tables have other names: ${jsonencode(output.table_names)}"
  }

  assert {
    condition     = toset([for name, environment in output.function_environments : environment.MESSAGES_TABLE if can(environment.MESSAGES_TABLE)]) == toset(["mylg-dev-messages-restored"])
    error_message = "A function still uses the table that was replaced."
  }
}

run "an_override_of_no_table_is_refused" {
  command = plan

  variables {
    table_name_overrides = { users = "mylg-dev-users-restored" }
  }

  expect_failures = [var.table_name_overrides]
}

run "a_key_of_ones_own_is_usable_for_tables_alone" {
  command = apply

  variables {
    kms_key_arn = "arn:aws:kms:eu-central-1:000000000000:key/00000000-0000-0000-0000-000000000000"
  }

  assert {
    condition = jsonencode(toset([for name, statements in output.role_statements : [for statement in statements : statement if statement.Sid == "TableEncryption"]])) == jsonencode([[{
      Action    = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
      Condition = { StringEquals = { "kms:ViaService" = "dynamodb.eu-central-1.amazonaws.com" } }
      Effect    = "Allow"
      Resource  = "arn:aws:kms:eu-central-1:000000000000:key/00000000-0000-0000-0000-000000000000"
      Sid       = "TableEncryption"
    }]])
    error_message = "Roles use the key otherwise: ${jsonencode(output.role_statements)}"
  }

  assert {
    condition     = aws_sns_topic.alarms[0].kms_master_key_id == "arn:aws:kms:eu-central-1:000000000000:key/00000000-0000-0000-0000-000000000000"
    error_message = "The topic is not encrypted with the key."
  }
}

run "a_key_that_is_an_alias_is_refused" {
  command = plan

  variables {
    kms_key_arn          = "alias/tables"
    permissions_boundary = "boundary"
  }

  expect_failures = [var.kms_key_arn, var.permissions_boundary]
}

run "an_impossible_concurrency_of_the_account_is_refused" {
  command = plan

  variables {
    account_concurrency = 5
  }

  expect_failures = [var.account_concurrency]
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

run "zips_of_another_architecture_are_refused" {
  command = plan

  variables {
    architecture = "arm64"
  }

  expect_failures = [var.architecture]
}

run "cloudfront_is_off_by_default" {
  command = plan

  assert {
    condition     = length(module.edge) == 0 && alltrue([for environment in values(output.function_environments) : !contains(keys(environment), "EDGE_SECRET_SHA256")])
    error_message = "Functions would refuse requests that did not come through CloudFront."
  }
}

run "functions_know_the_requests_of_cloudfront" {
  command = apply

  variables {
    custom_domain = { name = "api.example.com", certificate_arn = "arn:aws:acm:eu-central-1:000000000000:certificate/c" }
    edge          = { certificate_arn = "arn:aws:acm:us-east-1:000000000000:certificate/c" }
    edge_secrets  = ["new-new-new-new-new-new-new-new-new", "old-old-old-old-old-old-old-old-old"]
  }

  assert {
    condition = {
      for name, environment in output.function_environments : name => lookup(environment, "EDGE_SECRET_SHA256", null)
      } == {
      auth-router     = "${sha256("new-new-new-new-new-new-new-new-new")},${sha256("old-old-old-old-old-old-old-old-old")}"
      messages-router = "${sha256("new-new-new-new-new-new-new-new-new")},${sha256("old-old-old-old-old-old-old-old-old")}"
      projects-router = "${sha256("new-new-new-new-new-new-new-new-new")},${sha256("old-old-old-old-old-old-old-old-old")}"
      ws-provider     = null
    }
    error_message = "A function behind the HTTP API does not know the secrets."
  }
}

run "cloudfront_needs_a_name_and_a_secret" {
  command = plan

  variables {
    edge = { certificate_arn = "arn:aws:acm:us-east-1:000000000000:certificate/c" }
  }

  expect_failures = [var.edge]
}

run "a_short_secret_is_refused" {
  command = plan

  variables {
    edge_secrets = ["short"]
  }

  expect_failures = [var.edge_secrets]
}

run "files_go_with_an_environment_that_is_not_protected" {
  command = plan

  assert {
    condition     = output.bucket_names == { files = "mylg-dev-files-000000000000-eu-central-1" } && output.force_destroy == { files = true }
    error_message = "Every name carries project and environment, and a preview can be destroyed: ${jsonencode(output.bucket_names)}"
  }
}

run "files_stay_where_tables_do" {
  command = plan

  variables {
    deletion_protection = true
  }

  assert {
    condition     = output.force_destroy == { files = false }
    error_message = "The bucket can be deleted with the files in it."
  }
}

run "pages_of_the_allowed_origins_send_files" {
  command = plan

  assert {
    condition     = output.bucket_origins == { files = toset(var.allowed_origins) }
    error_message = "Other pages send files than call: ${jsonencode(output.bucket_origins)}"
  }
}

run "functions_and_bucket_know_of_the_scan" {
  command = apply

  variables {
    malware_scan = true
  }

  assert {
    condition     = { for name, environment in output.function_environments : name => lookup(environment, "MALWARE_SCAN", null) } == { auth-router = "on", messages-router = "on", projects-router = "on", ws-provider = null }
    error_message = "A function gives out what has not been scanned."
  }

  assert {
    condition     = [for statement in output.bucket_policies.files.Statement : statement.Sid] == ["TlsOnly", "NoMalware", "ScanAloneTags"]
    error_message = "The bucket gives out what the scan found harmful: ${jsonencode(output.bucket_policies)}"
  }
}

run "no_mail_by_default" {
  command = plan

  assert {
    condition     = output.mail_identity == null && output.mail_dkim_records == {} && alltrue([for environment in values(output.function_environments) : length(setintersection(keys(environment), ["MAIL_FROM", "MAIL_CONFIGURATION_SET", "STUDIO_NAME", "FRONTEND_ORIGIN"])) == 0])
    error_message = "A function would send mail."
  }
}

run "one_function_sends_mail_from_one_address" {
  command = apply

  variables {
    mail = { from = "Studio <no-reply@example.com>", studio = "Studio Möbel", frontend_origin = "https://app.example.com" }
  }

  assert {
    condition = { for name, environment in output.function_environments : name => [for variable in ["MAIL_FROM", "MAIL_CONFIGURATION_SET", "STUDIO_NAME", "FRONTEND_ORIGIN"] : lookup(environment, variable, "")] } == {
      auth-router     = ["Studio <no-reply@example.com>", "mylg-dev-mail", "Studio Möbel", "https://app.example.com"]
      messages-router = ["", "", "", ""]
      projects-router = ["", "", "", ""]
      ws-provider     = ["", "", "", ""]
    }
    error_message = "Another function sends mail, or with other words."
  }

  assert {
    condition = jsonencode(flatten([for name, statements in output.role_statements : [for statement in statements : merge(statement, { Role = name }) if contains(statement.Action, "ses:SendEmail")]])) == jsonencode([{
      Action    = ["ses:SendEmail"]
      Condition = { StringEquals = { "ses:FromAddress" = "no-reply@example.com" } }
      Effect    = "Allow"
      Resource  = ["arn:aws:ses:eu-central-1:000000000000:identity/example.com", "arn:aws:ses:eu-central-1:000000000000:configuration-set/mylg-dev-mail"]
      Role      = "auth-router"
      Sid       = "Mail"
    }])
    error_message = "A role sends more than mails of this sender: ${jsonencode(output.role_statements)}"
  }

  assert {
    condition     = output.mail_identity == "example.com" && toset(keys(output.mail_dkim_records)) == toset([for token in ["one", "two", "three"] : "${token}._domainkey.example.com"])
    error_message = "DNS needs other records: ${jsonencode(output.mail_dkim_records)}"
  }
}

run "a_link_into_a_preview_is_taken" {
  command = plan

  variables {
    mail = { from = "no-reply@example.com", studio = "Studio", frontend_origin = "https://seven.preview.example.com", identity_exists = true }
  }

  assert {
    condition     = output.function_environments["auth-router"].FRONTEND_ORIGIN == "https://seven.preview.example.com"
    error_message = "Links lead to another page."
  }
}

run "a_link_to_another_site_is_refused" {
  command = plan

  variables {
    mail = { from = "no-reply@example.com", studio = "Studio", frontend_origin = "https://appxexample.com" }
  }

  expect_failures = [var.mail]
}

run "a_link_without_tls_is_refused" {
  command = plan

  variables {
    mail = { from = "no-reply@example.com", studio = "Studio", frontend_origin = "http://localhost:5173" }
  }

  expect_failures = [var.mail]
}

run "a_studio_without_a_name_is_refused" {
  command = plan

  variables {
    mail = { from = "no-reply@example.com", studio = " ", frontend_origin = "https://app.example.com" }
  }

  expect_failures = [var.mail]
}

run "a_key_of_ones_own_is_used_for_files" {
  command = apply

  variables {
    kms_key_arn = "arn:aws:kms:eu-central-1:000000000000:key/00000000-0000-0000-0000-000000000000"
  }

  # ws-provider deletes files, which needs no key.
  assert {
    condition = { for name, statements in output.role_statements : name => jsonencode([for statement in statements : [statement.Action, statement.Condition] if statement.Sid == "FileEncryption"]) } == {
      for name, statements in {
        auth-router     = [[["kms:Decrypt", "kms:GenerateDataKey"], { StringEquals = { "kms:ViaService" = "s3.eu-central-1.amazonaws.com" } }]]
        messages-router = [[["kms:Decrypt", "kms:GenerateDataKey"], { StringEquals = { "kms:ViaService" = "s3.eu-central-1.amazonaws.com" } }]]
        projects-router = [[["kms:Decrypt", "kms:GenerateDataKey"], { StringEquals = { "kms:ViaService" = "s3.eu-central-1.amazonaws.com" } }]]
        ws-provider     = []
      } : name => jsonencode(statements)
    }
    error_message = "Roles use the key otherwise: ${jsonencode(output.role_statements)}"
  }
}

run "no_history_is_refused" {
  command = plan

  variables {
    file_history_days = 0
  }

  expect_failures = [var.file_history_days]
}
