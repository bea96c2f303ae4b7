# DynamoDB tables as stack.yaml declares them: keys pk and sk, TTL attribute ttl, on demand, encrypted, recoverable to any second.

resource "aws_dynamodb_table" "this" {
  for_each = var.tables

  name                        = lookup(var.name_overrides, each.key, "${var.name_prefix}-${each.key}")
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  range_key                   = "sk"
  deletion_protection_enabled = var.deletion_protection

  dynamic "attribute" {
    for_each = toset(concat(["pk", "sk"], flatten([for index in values(each.value.indexes) : [index.partition_key, index.sort_key]])))

    content {
      name = attribute.value
      type = "S"
    }
  }

  dynamic "global_secondary_index" {
    for_each = each.value.indexes

    content {
      name            = global_secondary_index.key
      hash_key        = global_secondary_index.value.partition_key
      range_key       = global_secondary_index.value.sort_key
      projection_type = "ALL"

      dynamic "on_demand_throughput" {
        for_each = contains(keys(var.throughput_caps), each.key) ? [var.throughput_caps[each.key]] : []

        content {
          max_read_request_units  = on_demand_throughput.value.read
          max_write_request_units = on_demand_throughput.value.write
        }
      }
    }
  }

  dynamic "on_demand_throughput" {
    for_each = contains(keys(var.throughput_caps), each.key) ? [var.throughput_caps[each.key]] : []

    content {
      max_read_request_units  = on_demand_throughput.value.read
      max_write_request_units = on_demand_throughput.value.write
    }
  }

  ttl {
    attribute_name = "ttl"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  # Without a key of one's own: the one that AWS manages for DynamoDB in this account.
  server_side_encryption {
    enabled     = true
    kms_key_arn = var.kms_key_arn
  }

  tags = { Name = "${var.name_prefix}-${each.key}" }
}
