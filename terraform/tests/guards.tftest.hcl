# The guards of production, with values of this file. environments/tests has the test that reads the tfvars files.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment           = "prod"
  region                = "eu-central-1"
  production            = true
  allowed_origins       = ["https://app.example.com", "https://*.preview.example.com"]
  deletion_protection   = true
  log_retention_in_days = 365
  build_dir             = "./modules/backend/tests/zips"
}

run "production_protects_every_table" {
  command = plan

  assert {
    condition     = module.backend.deletion_protection == { auth = true, connections = true, messages = true, projects = true }
    error_message = "A table of production can be deleted: ${jsonencode(module.backend.deletion_protection)}"
  }

  assert {
    condition     = module.backend.force_destroy == { files = false }
    error_message = "Files of production can be destroyed with their bucket: ${jsonencode(module.backend.force_destroy)}"
  }

  assert {
    condition     = module.backend.guarded
    error_message = "Terraform would destroy production."
  }
}

run "localhost_is_refused" {
  command = plan

  variables {
    allowed_origins = ["https://app.example.com", "http://localhost:5173"]
  }

  expect_failures = [var.allowed_origins]
}

run "localhost_with_https_is_refused" {
  command = plan

  variables {
    allowed_origins = ["https://localhost"]
  }

  expect_failures = [var.allowed_origins]
}

run "a_subdomain_of_localhost_is_refused" {
  command = plan

  variables {
    allowed_origins = ["https://app.localhost:5173"]
  }

  expect_failures = [var.allowed_origins]
}

run "a_loopback_address_is_refused" {
  command = plan

  variables {
    allowed_origins = ["https://127.0.0.1:5173"]
  }

  expect_failures = [var.allowed_origins]
}

run "a_private_address_is_refused" {
  command = plan

  variables {
    allowed_origins = ["https://192.168.0.7"]
  }

  expect_failures = [var.allowed_origins]
}

run "plain_http_is_refused" {
  command = plan

  variables {
    allowed_origins = ["http://app.example.com"]
  }

  expect_failures = [var.allowed_origins]
}

run "production_without_deletion_protection_is_refused" {
  command = plan

  variables {
    deletion_protection = false
  }

  expect_failures = [var.deletion_protection]
}

run "a_short_log_retention_is_refused" {
  command = plan

  variables {
    log_retention_in_days = 180
  }

  expect_failures = [var.log_retention_in_days]
}

run "prod_without_the_guards_is_refused" {
  command = plan

  variables {
    production = false
  }

  expect_failures = [var.production]
}

run "the_guards_hold_under_another_name" {
  command = plan

  variables {
    environment         = "prod-us"
    allowed_origins     = ["http://localhost:5173"]
    deletion_protection = false
  }

  expect_failures = [var.allowed_origins, var.deletion_protection]
}

run "other_environments_are_free" {
  command = plan

  variables {
    environment           = "preview-7"
    production            = false
    allowed_origins       = ["http://localhost:5173"]
    deletion_protection   = false
    log_retention_in_days = 1
  }

  assert {
    condition     = module.backend.table_names == { auth = "mylg-preview-7-auth", connections = "mylg-preview-7-connections", messages = "mylg-preview-7-messages", projects = "mylg-preview-7-projects" }
    error_message = "Every name carries project and environment: ${jsonencode(module.backend.table_names)}"
  }
}

run "the_name_of_the_local_backend_is_refused" {
  command = plan

  variables {
    environment = "local"
  }

  expect_failures = [var.environment]
}

run "a_region_is_written_as_aws_writes_it" {
  command = plan

  variables {
    region = "Frankfurt"
  }

  expect_failures = [var.region]
}

run "the_name_of_the_account_root_is_refused" {
  command = plan

  variables {
    environment = "account"
  }

  expect_failures = [var.environment]
}
