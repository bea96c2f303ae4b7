terraform {
  required_version = ">= 1.10"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }

  # Bucket and region come from `make`: -backend-config. The lock is a file beside the state.
  backend "s3" {
    key          = "mylg/staging/terraform.tfstate"
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = {
      Project     = "mylg"
      Environment = "staging"
      ManagedBy   = "terraform"
    }
  }
}
