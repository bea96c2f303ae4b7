# Staging: like production, but it can be destroyed.

region                = "eu-central-1"
allowed_origins       = ["https://staging.mylg.studio"]
log_retention_in_days = 30
throttling            = { rate = 500, burst = 500 }
