# The whole backend of one environment, from stack.yaml and the zips of `make build`.

data "aws_region" "current" {}

locals {
  stack       = yamldecode(file("${path.module}/../../stack.yaml"))
  name_prefix = "${local.stack.project}-${var.environment}"
  # The stage's name is the last part of the WebSocket API's address.
  websocket_stage = "live"

  # Where the value of an environment variable comes from, as stack.yaml names it.
  sources = merge(
    { for short, name in module.tables.names : "table:${short}" => name },
    {
      origins            = join(",", var.allowed_origins)
      jwt_issuer         = "https://${local.name_prefix}"
      jwt_audience       = "${local.name_prefix}-api"
      jwt_public_keys    = jsonencode(module.signing_key.public_keys)
      signing_key_id     = var.signing_keys.current
      "aws:kms_key_id"   = module.signing_key.arns[var.signing_keys.current]
      websocket_endpoint = coalesce(var.websocket_management_url, module.websocket_api.management_url)
      log_level          = var.log_level
    },
  )

  # What the code has a value of its own for: passed where this environment sets another.
  settings = var.rates

  # Variables of the local stack alone do not exist here.
  environments = {
    for name, function in local.stack.functions : name => {
      for variable, source in function.environment : variable => contains(keys(local.settings), variable) ? local.settings[variable] : local.sources[source]
      if !startswith(source, "local:") && (contains(keys(local.settings), variable) || source != "rate")
    }
  }
  rate_variables = distinct(flatten([
    for function in local.stack.functions : [for variable, source in function.environment : variable if source == "rate"]
  ]))

  # What each role may do, as stack.yaml lists it.
  table_statements = {
    for name, function in local.stack.functions : name => [
      for permission in function.permissions : merge(
        {
          Sid    = "Table${replace(title(permission.table), "-", "")}${can(permission.index) ? title(permission.index) : ""}${join("", [for key in try(permission.leading_keys, []) : title(lower(replace(key, "/[^A-Z]/", "")))])}"
          Effect = "Allow"
          Action = [for action in permission.actions : "dynamodb:${action}"]
          Resource = can(permission.index) ? "${module.tables.arns[permission.table]}/index/${permission.index}" : (
            module.tables.arns[permission.table]
          )
        },
        can(permission.leading_keys) ? {
          Condition = { "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = permission.leading_keys } }
        } : {},
      ) if can(permission.table)
    ]
  }

  other_statements = {
    for name, function in local.stack.functions : name => concat(
      anytrue([for permission in function.permissions : try(permission.manage_connections, false)]) ? [{
        Sid      = "Connections"
        Effect   = "Allow"
        Action   = ["execute-api:ManageConnections"]
        Resource = module.websocket_api.management_arn
      }] : [],
      anytrue([for permission in function.permissions : try(permission.sign, false)]) ? [{
        Sid      = "Sign"
        Effect   = "Allow"
        Action   = ["kms:Sign"]
        Resource = module.signing_key.arns[var.signing_keys.current]
      }] : [],
    )
  }

  behind_http      = toset([for route in local.stack.http_api.routes : route.function])
  behind_websocket = toset([for route in local.stack.websocket_api.routes : route.function])
  called           = { for name, function in module.function : name => { invoke_arn = function.alias_invoke_arn, function_name = function.function_name } }
}

module "tables" {
  source = "../tables"

  name_prefix         = local.name_prefix
  tables              = local.stack.tables
  deletion_protection = var.deletion_protection
}

module "signing_key" {
  source = "../signing-key"

  name_prefix = local.name_prefix
  keys        = toset(concat([var.signing_keys.current], var.signing_keys.others))
}

module "shared_layer" {
  source = "../shared-layer"

  name_prefix = local.name_prefix
  zip         = "${var.build_dir}/shared-utils.zip"
}

module "function" {
  source   = "../lambda-function"
  for_each = local.stack.functions

  name                  = "${local.name_prefix}-${each.key}"
  description           = each.value.description
  zip                   = "${var.build_dir}/${each.key}.zip"
  layer_arn             = module.shared_layer.arn
  architecture          = var.architecture
  memory_mb             = each.value.memory_mb
  timeout_s             = each.value.timeout_s
  environment           = local.environments[each.key]
  statements            = concat(local.table_statements[each.key], local.other_statements[each.key])
  log_retention_in_days = var.log_retention_in_days
  reserved_concurrency  = var.reserved_concurrency
  tracing               = var.tracing
  gradual               = var.canary != null
  alarm_actions         = var.alarm_actions
}

module "http_api" {
  source = "../http-api"

  name                  = "${local.name_prefix}-http"
  functions             = { for name in local.behind_http : name => local.called[name] }
  routes                = { for route in local.stack.http_api.routes : route.route => route.function }
  throttling            = var.throttling
  log_retention_in_days = var.log_retention_in_days
  custom_domain         = var.custom_domain
}

module "websocket_api" {
  source = "../websocket-api"

  name                       = "${local.name_prefix}-websocket"
  stage                      = local.websocket_stage
  route_selection_expression = local.stack.websocket_api.route_selection_expression
  functions                  = { for name in local.behind_websocket : name => local.called[name] }
  routes = {
    for route in local.stack.websocket_api.routes : route.route => { function = route.function, route_response = route.route_response }
  }
  throttling            = var.throttling
  log_retention_in_days = var.log_retention_in_days
}

module "monitoring" {
  source = "../monitoring"

  name_prefix      = local.name_prefix
  region           = data.aws_region.current.name
  http_api_id      = module.http_api.id
  websocket_api_id = module.websocket_api.id
  websocket_stage  = local.websocket_stage
  functions = {
    for name, function in module.function : name => { function_name = function.function_name, log_group_name = function.log_group_name }
  }
  table_names   = values(module.tables.names)
  alarm_actions = var.alarm_actions
}

module "gradual_deployment" {
  source = "../gradual-deployment"
  count  = var.canary == null ? 0 : 1

  name_prefix   = local.name_prefix
  functions     = { for name, function in module.function : name => { function_name = function.function_name, arn = function.arn, version = function.version } }
  canary        = var.canary
  alarm_names   = ["${local.name_prefix}-http-5xx", "${local.name_prefix}-websocket-integration-errors"]
  alarm_actions = var.alarm_actions

  # It names two of its alarms.
  depends_on = [module.monitoring]
}
