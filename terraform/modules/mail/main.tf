# Mail by Amazon SES: the sender's domain with its DKIM keys, and a configuration set that sends over TLS alone and leaves out addresses
# that bounced or complained.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  # "Studio <no-reply@example.com>", or the address alone.
  address = try(regex("<([^<>]+)>$", var.from)[0], var.from)
  domain  = split("@", local.address)[1]
  ses     = "arn:${data.aws_partition.current.partition}:ses:${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}"

  identity_arn = "${local.ses}:identity/${local.domain}"
  tokens       = try(concat(aws_sesv2_email_identity.this, data.aws_sesv2_email_identity.this)[0].dkim_signing_attributes[0].tokens, [])
}

resource "aws_sesv2_email_identity" "this" {
  count = var.identity_exists ? 0 : 1

  email_identity = local.domain

  dkim_signing_attributes {
    next_signing_key_length = "RSA_2048_BIT"
  }
}

# An account has one identity for a domain in a region: that of another environment.
data "aws_sesv2_email_identity" "this" {
  count = var.identity_exists ? 1 : 0

  email_identity = local.domain
}

resource "aws_sesv2_configuration_set" "this" {
  configuration_set_name = var.name

  delivery_options {
    tls_policy = "REQUIRE"
  }

  reputation_options {
    reputation_metrics_enabled = true
  }

  sending_options {
    sending_enabled = true
  }

  # SES keeps the list. A mail to an address on it is accepted, and not sent.
  suppression_options {
    suppressed_reasons = ["BOUNCE", "COMPLAINT"]
  }
}
