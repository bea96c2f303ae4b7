terraform {
  required_version = ">= 1.10"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }

  # Bucket, key and region come from `make` (-backend-config). There is no default key: a plain `terraform init` cannot
  # reach an environment's state by accident. The lock is a file beside the state.
  backend "s3" {
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = {
      Project     = "mylg"
      Environment = var.environment
      ManagedBy   = "terraform"
    }
  }
}
