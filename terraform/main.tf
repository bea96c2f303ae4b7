# The one root: an environment is a file in environments/ and a state of its own.

module "backend" {
  source = "./modules/backend"

  environment           = var.environment
  allowed_origins       = var.allowed_origins
  build_dir             = var.build_dir
  architecture          = var.architecture
  signing_keys          = var.signing_keys
  rates                 = var.rates
  alarm_actions         = var.alarm_actions
  custom_domain         = var.custom_domain
  deletion_protection   = var.deletion_protection
  log_retention_in_days = var.log_retention_in_days
  log_level             = var.log_level
  throttling            = var.throttling
  canary                = var.canary
}
