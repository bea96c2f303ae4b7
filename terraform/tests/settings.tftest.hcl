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

run "files_and_mail_are_as_the_environment_says" {
  command = plan

  variables {
    mail              = { from = "no-reply@example.com", studio = "Studio", frontend_origin = "https://app.example.com" }
    allowed_origins   = ["https://app.example.com"]
    limits            = { FILE_MAX_BYTES = 52428800 }
    options           = { SIGN_UP = "off" }
    malware_scan      = true
    file_history_days = 7
  }

  assert {
    condition     = output.mail_identity == "example.com" && output.bucket_names == { files = "mylg-preview-7-files-000000000000-eu-central-1" }
    error_message = "The environment has another sender or bucket: ${output.mail_identity}, ${jsonencode(output.bucket_names)}"
  }

  assert {
    condition     = module.backend.function_environments["projects-router"].FILE_MAX_BYTES == "52428800" && module.backend.function_environments["projects-router"].MALWARE_SCAN == "on"
    error_message = "projects-router has another limit, or does not know of the scan."
  }

  assert {
    condition     = module.backend.function_environments["auth-router"].SIGN_UP == "off" && module.backend.function_environments["auth-router"].FRONTEND_ORIGIN == "https://app.example.com"
    error_message = "auth-router has another option, or its links lead elsewhere."
  }
}
