# Development: short log retention, no deletion protection, a frontend on localhost may call.

region                = "eu-central-1"
allowed_origins       = ["http://localhost:5173", "https://dev.mylg.studio"]
log_retention_in_days = 14
throttling            = { rate = 100, burst = 200 }
