# Production: tables refuse to be deleted, logs stay for a year, no laptop may call.

module "backend" {
  source = "../../modules/backend"

  environment           = "prod"
  allowed_origins       = var.allowed_origins
  build_dir             = var.build_dir
  architecture          = var.architecture
  signing_keys          = var.signing_keys
  rates                 = var.rates
  alarm_actions         = var.alarm_actions
  custom_domain         = var.custom_domain
  deletion_protection   = true
  log_retention_in_days = 365
  log_level             = "info"
  throttling            = { rate = 2000, burst = 2000 }
}
