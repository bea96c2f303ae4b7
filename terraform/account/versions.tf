terraform {
  required_version = ">= 1.10"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }

  # Bucket, key and region come from apply.sh. It also makes the first apply with a local state: the bucket does not exist before.
  backend "s3" {
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = {
      Project   = local.project
      Scope     = "account"
      ManagedBy = "terraform"
    }
  }
}
