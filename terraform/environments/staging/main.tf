# Staging: as production, but it may be torn down.

module "backend" {
  source = "../../modules/backend"

  environment           = "staging"
  allowed_origins       = var.allowed_origins
  build_dir             = var.build_dir
  architecture          = var.architecture
  signing_keys          = var.signing_keys
  rates                 = var.rates
  alarm_actions         = var.alarm_actions
  custom_domain         = var.custom_domain
  deletion_protection   = false
  log_retention_in_days = 30
  log_level             = "info"
  throttling            = { rate = 500, burst = 500 }
}
