mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "000000000000" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-central-1:000000000000:key/1234abcd-12ab-34cd-a6ef-1234567890ab" }
  }
}

variables {
  name_prefix  = "mylg-dev"
  keys         = ["k1", "k2"]
  signer_roles = ["mylg-dev-auth-router"]
}

run "one_role_signs_and_nobody_else" {
  command = apply

  assert {
    condition = alltrue([for key in aws_kms_key.this : [for statement in jsondecode(key.policy).Statement : statement if contains(statement.Action, "kms:Sign")] == [{
      Sid       = "Sign"
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::000000000000:root" }
      Action    = ["kms:Sign"]
      Resource  = "*"
      Condition = { ArnEquals = { "aws:PrincipalArn" = ["arn:aws:iam::000000000000:role/mylg-dev-auth-router"] } }
    }]])
    error_message = "Someone else may sign: ${jsonencode(output.policy)}"
  }

  # A wildcard would include Sign; a grant could pass it on.
  assert {
    condition = alltrue(flatten([for key in aws_kms_key.this : [
      for statement in jsondecode(key.policy).Statement : [for action in statement.Action : !strcontains(action, "*") && action != "kms:CreateGrant"]
    ]]))
    error_message = "An action of the key's policy is too wide: ${jsonencode(output.policy)}"
  }

  assert {
    condition = {
      for statement in jsondecode(aws_kms_key.this["k1"].policy).Statement : statement.Sid => statement.Principal.AWS
      } == {
      Administer = "arn:aws:iam::000000000000:root"
      Read       = "arn:aws:iam::000000000000:root"
      Sign       = "arn:aws:iam::000000000000:root"
    }
    error_message = "Another account has access: ${jsonencode(output.policy)}"
  }

  assert {
    condition     = contains(jsondecode(aws_kms_key.this["k2"].policy).Statement[0].Action, "kms:PutKeyPolicy")
    error_message = "KMS refuses a policy that nobody can change."
  }
}

run "a_key_that_nobody_signs_with_is_refused" {
  command = plan

  variables {
    signer_roles = []
  }

  expect_failures = [var.signer_roles]
}
