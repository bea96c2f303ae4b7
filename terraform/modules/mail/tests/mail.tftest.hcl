mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "000000000000" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_region" {
    defaults = { name = "eu-central-1" }
  }

  mock_resource "aws_sesv2_email_identity" {
    defaults = { dkim_signing_attributes = { tokens = ["one", "two", "three"] } }
  }

  mock_data "aws_sesv2_email_identity" {
    defaults = { dkim_signing_attributes = [{ tokens = ["four"] }] }
  }
}

variables {
  name = "mylg-dev-mail"
  from = "Studio & Sons <no-reply@mail.example.com>"
}

run "the_domain_is_that_of_the_sender" {
  command = apply

  assert {
    condition     = aws_sesv2_email_identity.this[0].email_identity == "mail.example.com" && output.identity == "mail.example.com" && output.address == "no-reply@mail.example.com"
    error_message = "SES sends for another domain: ${output.identity}, ${output.address}"
  }

  assert {
    condition = output.dkim_records == {
      "one._domainkey.mail.example.com"   = "one.dkim.amazonses.com"
      "two._domainkey.mail.example.com"   = "two.dkim.amazonses.com"
      "three._domainkey.mail.example.com" = "three.dkim.amazonses.com"
    }
    error_message = "DNS needs other records: ${jsonencode(output.dkim_records)}"
  }

  assert {
    condition     = aws_sesv2_email_identity.this[0].dkim_signing_attributes[0].next_signing_key_length == "RSA_2048_BIT"
    error_message = "Mails are signed with a short key."
  }

  assert {
    condition     = output.identity_arn == "arn:aws:ses:eu-central-1:000000000000:identity/mail.example.com" && output.configuration_set_arn == "arn:aws:ses:eu-central-1:000000000000:configuration-set/mylg-dev-mail"
    error_message = "A role would be limited to something else: ${output.identity_arn}, ${output.configuration_set_arn}"
  }
}

run "mails_go_over_tls_and_not_to_who_complained" {
  command = plan

  assert {
    condition     = aws_sesv2_configuration_set.this.delivery_options[0].tls_policy == "REQUIRE"
    error_message = "A mail with a link to a new password could go over the wire unencrypted."
  }

  assert {
    condition     = toset(aws_sesv2_configuration_set.this.suppression_options[0].suppressed_reasons) == toset(["BOUNCE", "COMPLAINT"])
    error_message = "Mails go to addresses that bounced or complained."
  }

  assert {
    condition     = aws_sesv2_configuration_set.this.reputation_options[0].reputation_metrics_enabled && aws_sesv2_configuration_set.this.sending_options[0].sending_enabled
    error_message = "Nobody sees how many mails bounce, or none is sent."
  }
}

run "the_address_alone_is_a_sender" {
  command = plan

  variables {
    from = "no-reply@example.com"
  }

  assert {
    condition     = output.address == "no-reply@example.com" && output.identity == "example.com"
    error_message = "The address was read as another one: ${output.address}"
  }
}

run "a_domain_of_another_environment_is_used" {
  command = apply

  variables {
    identity_exists = true
  }

  assert {
    condition     = length(aws_sesv2_email_identity.this) == 0 && data.aws_sesv2_email_identity.this[0].email_identity == "mail.example.com"
    error_message = "SES refuses a second identity for a domain."
  }

  assert {
    condition     = output.identity_arn == "arn:aws:ses:eu-central-1:000000000000:identity/mail.example.com"
    error_message = "A role would be limited to something else: ${output.identity_arn}"
  }
}

run "a_sender_with_capitals_in_the_address_is_refused" {
  command = plan

  variables {
    from = "No-Reply@example.com"
  }

  expect_failures = [var.from]
}

run "a_name_that_would_have_to_be_encoded_is_refused" {
  command = plan

  variables {
    from = "Möbel <no-reply@example.com>"
  }

  expect_failures = [var.from]
}

run "two_senders_are_refused" {
  command = plan

  variables {
    from = "a@example.com, b@example.com"
  }

  expect_failures = [var.from]
}

run "a_line_break_is_refused" {
  command = plan

  variables {
    from = "Studio <no-reply@example.com>\nBcc: x@example.com"
  }

  expect_failures = [var.from]
}

run "a_sender_without_a_domain_is_refused" {
  command = plan

  variables {
    from = "no-reply@localhost"
    name = "a name"
  }

  expect_failures = [var.from, var.name]
}
