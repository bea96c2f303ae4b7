# Production: the guards in variables.tf apply.

region                = "eu-central-1"
production            = true
allowed_origins       = ["https://app.mylg.studio"]
deletion_protection   = true
log_retention_in_days = 365
throttling            = { rate = 2000, burst = 2000 }
