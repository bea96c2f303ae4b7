# The whole backend of one environment, from stack.yaml and the zips of `make build`.

data "aws_region" "current" {}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  stack       = yamldecode(file("${path.module}/../../stack.yaml"))
  name_prefix = "${local.stack.project}-${var.environment}"
  # The stage's name is the last part of the WebSocket API's address.
  websocket_stage = "live"

  buckets = try(local.stack.buckets, {})

  # Where the value of an environment variable comes from, as stack.yaml names it.
  sources = merge(
    { for short, name in module.tables.names : "table:${short}" => name },
    { for short, bucket in module.bucket : "bucket:${short}" => bucket.name },
    # Functions send no mail where these are not set.
    var.mail == null ? {} : {
      "mail:from"                  = var.mail.from
      "mail:studio"                = var.mail.studio
      "mail:frontend_origin"       = var.mail.frontend_origin
      "aws:mail_configuration_set" = module.mail[0].configuration_set
    },
    {
      origins          = join(",", var.allowed_origins)
      jwt_issuer       = "https://${local.name_prefix}"
      jwt_audience     = "${local.name_prefix}-api"
      jwt_public_keys  = jsonencode(module.signing_key.public_keys)
      signing_key_id   = var.signing_keys.current
      "aws:kms_key_id" = module.signing_key.arns[var.signing_keys.current]
      # The hashes alone: a function's variables are read by more people than the state is.
      "aws:edge_secret_hashes" = nonsensitive(join(",", [for secret in var.edge_secrets : sha256(secret)]))
      # That of the metric filters, too.
      "aws:metrics_namespace" = local.name_prefix
      websocket_endpoint      = coalesce(var.websocket_management_url, module.websocket_api.management_url)
      log_level               = var.log_level
    },
  )

  # What the code has a value of its own for: passed where this environment sets another.
  settings = merge(
    var.rates,
    { for variable, bytes in var.limits : variable => format("%d", bytes) },
    var.options,
    # Functions then give out what the scan has found clean, and nothing that it has not looked at yet.
    var.malware_scan ? { MALWARE_SCAN = "on" } : {},
  )
  # Sources of variables that do not exist where nothing is set for them.
  optional_sources = ["rate", "limit", "option"]

  # Variables of the local stack alone do not exist here.
  environments = {
    for name, function in local.stack.functions : name => merge(local.stack.runtime_environment, {
      for variable, source in function.environment : variable => contains(keys(local.settings), variable) ? local.settings[variable] : local.sources[source]
      if !startswith(source, "local:") && (contains(keys(local.settings), variable) || !contains(local.optional_sources, source)) &&
      (var.edge != null || source != "aws:edge_secret_hashes") && (var.mail != null || !(startswith(source, "mail:") || source == "aws:mail_configuration_set"))
    })
  }
  # The variables that an environment's file may set, by source.
  variables = {
    for optional in local.optional_sources : optional => distinct(flatten([
      for function in local.stack.functions : [for variable, source in function.environment : variable if source == optional]
    ]))
  }

  # Memory as stack.yaml has it, unless this environment says otherwise.
  functions = {
    for name, function in local.stack.functions : name => {
      memory_mb               = coalesce(try(var.functions[name].memory_mb, null), function.memory_mb)
      reserved_concurrency    = coalesce(try(var.functions[name].reserved_concurrency, null), var.reserved_concurrency)
      provisioned_concurrency = coalesce(try(var.functions[name].provisioned_concurrency, null), 0)
    }
  }

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

  # Files by the beginnings of their keys: each function has its own.
  bucket_statements = {
    for name, function in local.stack.functions : name => [
      for permission in function.permissions : {
        Sid      = "Bucket${replace(title(permission.bucket), "-", "")}${join("", [for prefix in permission.prefixes : replace(title(prefix), "/[^A-Za-z0-9]/", "")])}"
        Effect   = "Allow"
        Action   = [for action in permission.actions : "s3:${action}"]
        Resource = [for prefix in permission.prefixes : "${module.bucket[permission.bucket].arn}/${prefix}*"]
      } if can(permission.bucket)
    ]
  }

  # Flattened, not concatenated: that would want statements of one type, and one of them names several resources.
  other_statements = {
    for name, function in local.stack.functions : name => flatten([
      anytrue([for permission in function.permissions : try(permission.manage_connections, false)]) ? [{
        Sid      = "Connections"
        Effect   = "Allow"
        Action   = ["execute-api:ManageConnections"]
        Resource = module.websocket_api.management_arn
      }] : [],
      anytrue([for permission in function.permissions : try(permission.sign, false)]) ? [{
        Sid    = "Sign"
        Effect = "Allow"
        Action = ["kms:Sign"]
        # All of them: at the second step of a rotation the live version signs with the key before until its alias has moved, and so
        # does a version that is rolled back to.
        Resource = sort(values(module.signing_key.arns))
      }] : [],
      var.mail != null && anytrue([for permission in function.permissions : try(permission.send_mail, false)]) ? [{
        Sid    = "Mail"
        Effect = "Allow"
        Action = ["ses:SendEmail"]
        # SES asks for both.
        Resource  = [module.mail[0].identity_arn, module.mail[0].configuration_set_arn]
        Condition = { StringEquals = { "ses:FromAddress" = module.mail[0].address } }
      }] : [],
    ])
  }

  # DynamoDB and S3 use a key of one's own in the name of the caller, and for nothing but the table or the file.
  encryption_statements = {
    for name, function in local.stack.functions : name => var.kms_key_arn == null ? [] : flatten([
      [{
        Sid       = "TableEncryption"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
        Resource  = var.kms_key_arn
        Condition = { StringEquals = { "kms:ViaService" = "dynamodb.${data.aws_region.current.name}.amazonaws.com" } }
      }],
      # A function that only deletes files needs no key.
      anytrue([for permission in function.permissions : can(permission.bucket) ? contains(permission.actions, "GetObject") : false]) ? [{
        Sid       = "FileEncryption"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = var.kms_key_arn
        Condition = { StringEquals = { "kms:ViaService" = "s3.${data.aws_region.current.name}.amazonaws.com" } }
      }] : [],
    ])
  }

  statements = {
    for name in keys(local.stack.functions) : name => flatten([
      local.table_statements[name], local.bucket_statements[name], local.other_statements[name], local.encryption_statements[name],
    ])
  }

  # Where nothing else is told of alarms, a topic is.
  alarm_actions = length(var.alarm_actions) > 0 ? var.alarm_actions : [aws_sns_topic.alarms[0].arn]

  signers = toset([
    for name, function in local.stack.functions : "${local.name_prefix}-${name}"
    if anytrue([for permission in function.permissions : try(permission.sign, false)])
  ])

  behind_http      = toset([for route in local.stack.http_api.routes : route.function])
  behind_websocket = toset([for route in local.stack.websocket_api.routes : route.function])
  called           = { for name, function in module.function : name => { invoke_arn = function.alias_invoke_arn, function_name = function.function_name } }
}

resource "aws_sns_topic" "alarms" {
  count = length(var.alarm_actions) == 0 ? 1 : 0

  name = "${local.name_prefix}-alarms"
  # The key that AWS manages for SNS cannot be used by CloudWatch: a key of one's own, or none.
  kms_master_key_id = var.kms_key_arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Alarms"
      Effect    = "Allow"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Action    = "sns:Publish"
      Resource  = "arn:${data.aws_partition.current.partition}:sns:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}:${local.name_prefix}-alarms"
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
    }]
  })
}

# What production cannot get back once it is destroyed: the addresses that clients know, the key that signed their tokens, and files. The guard
# depends on them, so Terraform refuses to destroy it and with it all that comes after; a new address would replace it, which is refused
# as well. It does not name the keys in what replaces it: they change with a rotation. The same option on the resources themselves would
# be in the way of other environments, and of a rotation.
resource "terraform_data" "guard" {
  count = var.production ? 1 : 0

  input            = merge(module.signing_key.arns, { for short, bucket in module.bucket : "bucket:${short}" => bucket.name })
  triggers_replace = [module.http_api.id, module.websocket_api.id]

  lifecycle {
    prevent_destroy = true
  }
}

module "tables" {
  source = "../tables"

  name_prefix         = local.name_prefix
  tables              = local.stack.tables
  deletion_protection = var.deletion_protection
  throughput_caps     = var.throughput_caps
  name_overrides      = var.table_name_overrides
  kms_key_arn         = var.kms_key_arn
}

module "bucket" {
  source   = "../bucket"
  for_each = local.buckets

  name_prefix     = "${local.name_prefix}-${each.key}"
  allowed_origins = var.allowed_origins
  # What protects the tables protects files as well.
  force_destroy        = !var.deletion_protection
  history_days         = var.file_history_days
  malware_scan         = var.malware_scan
  kms_key_arn          = var.kms_key_arn
  permissions_boundary = var.permissions_boundary
}

module "mail" {
  source = "../mail"
  count  = var.mail == null ? 0 : 1

  name            = "${local.name_prefix}-mail"
  from            = var.mail.from
  identity_exists = var.mail.identity_exists
}

module "signing_key" {
  source = "../signing-key"

  name_prefix  = local.name_prefix
  keys         = toset(concat([var.signing_keys.current], var.signing_keys.others))
  signer_roles = local.signers
}

module "shared_layer" {
  source = "../shared-layer"

  name_prefix = local.name_prefix
  zip         = "${var.build_dir}/shared-utils.zip"
}

module "function" {
  source   = "../lambda-function"
  for_each = local.stack.functions

  name                    = "${local.name_prefix}-${each.key}"
  description             = each.value.description
  zip                     = "${var.build_dir}/${each.key}.zip"
  layer_arn               = module.shared_layer.arn
  architecture            = var.architecture
  memory_mb               = local.functions[each.key].memory_mb
  timeout_s               = each.value.timeout_s
  environment             = local.environments[each.key]
  statements              = local.statements[each.key]
  log_retention_in_days   = var.log_retention_in_days
  keep_logs               = var.production
  kms_key_arn             = var.kms_key_arn
  permissions_boundary    = var.permissions_boundary
  log_level               = var.log_level
  system_log_level        = var.system_log_level
  reserved_concurrency    = local.functions[each.key].reserved_concurrency
  provisioned_concurrency = local.functions[each.key].provisioned_concurrency
  tracing                 = var.tracing
  gradual                 = var.canary != null
  alarm_actions           = local.alarm_actions
}

module "http_api" {
  source = "../http-api"

  name                  = "${local.name_prefix}-http"
  functions             = { for name in local.behind_http : name => local.called[name] }
  routes                = { for route in local.stack.http_api.routes : route.route => route.function }
  throttling            = var.throttling
  route_throttling      = var.route_throttling
  detailed_metrics      = var.detailed_metrics
  log_retention_in_days = var.access_log_retention_in_days
  keep_logs             = var.production
  kms_key_arn           = var.kms_key_arn
  custom_domain         = var.custom_domain
  behind_edge           = var.edge != null
}

module "edge" {
  source = "../edge"
  count  = var.edge == null ? 0 : 1

  name            = "${local.name_prefix}-http"
  domain_name     = var.custom_domain.name
  origin          = module.http_api.custom_domain_target
  certificate_arn = var.edge.certificate_arn
  web_acl_arn     = var.edge.web_acl_arn
  price_class     = var.edge.price_class
  secret          = var.edge_secrets[0]
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
  detailed_metrics      = var.detailed_metrics
  log_retention_in_days = var.access_log_retention_in_days
  keep_logs             = var.production
  kms_key_arn           = var.kms_key_arn
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
  tables              = { for short, table in local.stack.tables : short => { name = module.tables.names[short], indexes = keys(try(table.indexes, {})) } }
  account_concurrency = var.account_concurrency
  latency_p99_ms      = var.latency_p99_ms
  alarm_actions       = local.alarm_actions
}

module "gradual_deployment" {
  source = "../gradual-deployment"
  count  = var.canary == null ? 0 : 1

  name_prefix          = local.name_prefix
  functions            = { for name, function in module.function : name => { function_name = function.function_name, arn = function.arn, version = function.version } }
  canary               = var.canary
  permissions_boundary = var.permissions_boundary
  alarm_names          = ["${local.name_prefix}-http-5xx", "${local.name_prefix}-websocket-integration-errors"]
  alarm_actions        = local.alarm_actions

  # It names two of its alarms.
  depends_on = [module.monitoring]
}
