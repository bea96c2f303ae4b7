# What the mocked provider returns where a resource checks the form of what another one gave.

mock_data "aws_iam_policy_document" {
  defaults = { json = "{}" }
}

mock_data "aws_caller_identity" {
  defaults = { account_id = "000000000000" }
}

mock_data "aws_partition" {
  defaults = { partition = "aws" }
}

mock_data "aws_region" {
  defaults = { name = "eu-central-1" }
}

mock_resource "aws_cloudwatch_log_group" {
  defaults = { arn = "arn:aws:logs:eu-central-1:000000000000:log-group:g" }
}

mock_resource "aws_iam_role" {
  defaults = { arn = "arn:aws:iam::000000000000:role/r" }
}

mock_resource "aws_lambda_layer_version" {
  defaults = { arn = "arn:aws:lambda:eu-central-1:000000000000:layer:shared-utils:3" }
}

mock_resource "aws_kms_key" {
  defaults = { arn = "arn:aws:kms:eu-central-1:000000000000:key/1234abcd-12ab-34cd-a6ef-1234567890ab" }
}

mock_resource "aws_apigatewayv2_api" {
  defaults = {
    api_endpoint  = "wss://api.execute-api.eu-central-1.amazonaws.com"
    execution_arn = "arn:aws:execute-api:eu-central-1:000000000000:api"
  }
}

mock_resource "aws_sns_topic" {
  defaults = { arn = "arn:aws:sns:eu-central-1:000000000000:alarms" }
}
