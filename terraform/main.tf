# The one root: an environment is a file in environments/ and a state of its own.

module "backend" {
  source = "./modules/backend"

  environment     = var.environment
  production      = var.production
  allowed_origins = var.allowed_origins
  build_dir       = var.build_dir
  architecture    = var.architecture
  custom_domain   = var.custom_domain
  edge            = var.edge
  edge_secrets    = var.edge_secrets
  signing_keys    = var.signing_keys

  functions            = var.functions
  reserved_concurrency = var.reserved_concurrency
  tracing              = var.tracing

  throttling       = var.throttling
  route_throttling = var.route_throttling
  rates            = var.rates
  limits           = var.limits
  options          = var.options
  throughput_caps  = var.throughput_caps
  canary           = var.canary

  mail              = var.mail
  malware_scan      = var.malware_scan
  file_history_days = var.file_history_days

  log_level                    = var.log_level
  system_log_level             = var.system_log_level
  log_retention_in_days        = var.log_retention_in_days
  access_log_retention_in_days = var.access_log_retention_in_days
  detailed_metrics             = var.detailed_metrics

  alarm_actions       = var.alarm_actions
  latency_p99_ms      = var.latency_p99_ms
  account_concurrency = var.account_concurrency

  deletion_protection  = var.deletion_protection
  table_name_overrides = var.table_name_overrides
  permissions_boundary = var.permissions_boundary
  kms_key_arn          = var.kms_key_arn
}
