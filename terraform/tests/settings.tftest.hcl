# What an environment's file can set reaches the backend.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment     = "preview-7"
  region          = "eu-central-1"
  allowed_origins = ["http://localhost:5173"]
  build_dir       = "./modules/backend/tests/zips"
}

run "functions_have_the_sizes_of_the_environment" {
  command = plan

  variables {
    reserved_concurrency = 4
    functions            = { ws-provider = { memory_mb = 1024, reserved_concurrency = 10, provisioned_concurrency = 2 } }
  }

  assert {
    condition = module.backend.functions == {
      auth-router     = { memory_mb = 1769, reserved_concurrency = 4, provisioned_concurrency = 0 }
      messages-router = { memory_mb = 512, reserved_concurrency = 4, provisioned_concurrency = 0 }
      projects-router = { memory_mb = 256, reserved_concurrency = 4, provisioned_concurrency = 0 }
      ws-provider     = { memory_mb = 1024, reserved_concurrency = 10, provisioned_concurrency = 2 }
    }
    error_message = "A function has another size: ${jsonencode(module.backend.functions)}"
  }
}

run "an_environment_without_users_can_be_destroyed" {
  command = plan

  assert {
    condition     = !module.backend.guarded
    error_message = "Terraform would refuse to destroy an environment that nobody works in."
  }
}
