# Run once for each file in environments/, with that file and its name (see `make terraform-checks`).

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  build_dir = "./modules/backend/tests/zips"
}

run "the_environment_plans" {
  command = plan

  assert {
    condition     = module.backend.table_names == { for table in ["auth", "connections", "messages", "projects"] : table => "mylg-${var.environment}-${table}" }
    error_message = "Every name carries project and environment: ${jsonencode(module.backend.table_names)}"
  }

  assert {
    condition     = output.allowed_origins == tolist(var.allowed_origins)
    error_message = "The functions accept other origins than the file lists: ${jsonencode(output.allowed_origins)}"
  }

  assert {
    condition     = module.backend.deletion_protection == { for table in ["auth", "connections", "messages", "projects"] : table => var.deletion_protection }
    error_message = "Deletion protection is not what the file says: ${jsonencode(module.backend.deletion_protection)}"
  }

  assert {
    condition     = module.backend.force_destroy == { files = !var.deletion_protection }
    error_message = "The bucket can be deleted with the files in it where tables are protected, or stays where they are not: ${jsonencode(module.backend.force_destroy)}"
  }

  assert {
    condition     = startswith(output.bucket_names.files, "mylg-${var.environment}-files-")
    error_message = "Every name carries project and environment: ${jsonencode(output.bucket_names)}"
  }
}
