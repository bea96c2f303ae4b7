# Development: short memory, no protection, a laptop's frontend may call.

module "backend" {
  source = "../../modules/backend"

  environment           = "dev"
  allowed_origins       = var.allowed_origins
  build_dir             = var.build_dir
  architecture          = var.architecture
  signing_keys          = var.signing_keys
  rates                 = var.rates
  alarm_actions         = var.alarm_actions
  custom_domain         = var.custom_domain
  deletion_protection   = false
  log_retention_in_days = 14
  log_level             = "info"
  throttling            = { rate = 100, burst = 200 }
}
