# One environment in a root of its own. Its zips are empty ones of the tests: `make build` makes the real ones.

terraform {
  required_version = ">= 1.10"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

provider "aws" {
  region = "eu-central-1"
}

module "backend" {
  source = "../.."

  environment           = "demo"
  allowed_origins       = ["https://app.example.com"]
  build_dir             = "${path.module}/../../tests/zips"
  deletion_protection   = false
  log_retention_in_days = 30
  throttling            = { rate = 100, burst = 200 }
}

output "addresses" {
  description = "What a frontend needs."
  value       = { http = module.backend.http_url, websocket = module.backend.websocket_url }
}
