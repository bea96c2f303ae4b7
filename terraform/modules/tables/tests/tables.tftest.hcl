mock_provider "aws" {}

variables {
  name_prefix         = "mylg-dev"
  deletion_protection = false
  tables = {
    auth     = { description = "Logins" }
    projects = { description = "Projects", indexes = { byMember = { partition_key = "memberId", sort_key = "activity" } } }
  }
}

run "tables_can_be_restored_to_any_second_and_have_no_cap" {
  command = plan

  assert {
    condition = alltrue([
      for table in aws_dynamodb_table.this : table.point_in_time_recovery[0].enabled && table.ttl[0].attribute_name == "ttl" && table.ttl[0].enabled && table.billing_mode == "PAY_PER_REQUEST"
    ])
    error_message = "A table cannot be restored, keeps what is over, or is not paid for by request."
  }

  assert {
    condition     = alltrue([for table in aws_dynamodb_table.this : length(table.on_demand_throughput) == 0])
    error_message = "A table has a cap that nobody set."
  }
}

run "a_cap_holds_for_a_table_and_its_indexes" {
  command = plan

  variables {
    throughput_caps = { projects = { read = 2000, write = 1000 } }
  }

  assert {
    condition     = [for cap in aws_dynamodb_table.this["projects"].on_demand_throughput : "${cap.max_read_request_units} ${cap.max_write_request_units}"] == ["2000 1000"]
    error_message = "The table has another cap."
  }

  assert {
    condition = [
      for index in aws_dynamodb_table.this["projects"].global_secondary_index : [for cap in index.on_demand_throughput : "${cap.max_read_request_units} ${cap.max_write_request_units}"]
    ] == [["2000 1000"]]
    error_message = "The index has another cap."
  }

  assert {
    condition     = length(aws_dynamodb_table.this["auth"].on_demand_throughput) == 0
    error_message = "Another table has the cap too."
  }
}

run "a_table_can_have_another_name_and_a_key_of_ones_own" {
  command = plan

  variables {
    name_overrides = { auth = "mylg-dev-auth-restored" }
    kms_key_arn    = "arn:aws:kms:eu-central-1:000000000000:key/00000000-0000-0000-0000-000000000000"
  }

  assert {
    condition     = output.names == { auth = "mylg-dev-auth-restored", projects = "mylg-dev-projects" }
    error_message = "Tables have other names: ${jsonencode(output.names)}"
  }

  assert {
    condition     = toset([for table in aws_dynamodb_table.this : table.server_side_encryption[0].kms_key_arn]) == toset(["arn:aws:kms:eu-central-1:000000000000:key/00000000-0000-0000-0000-000000000000"])
    error_message = "A table is encrypted with another key."
  }
}

run "an_impossible_name_is_refused" {
  command = plan

  variables {
    name_overrides = { auth = "a table" }
  }

  expect_failures = [var.name_overrides]
}
