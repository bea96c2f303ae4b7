output "state_bucket" {
  description = "The bucket of the Terraform states: STATE_BUCKET of every target."
  value       = aws_s3_bucket.state.bucket
}

output "deploy_role_arn" {
  description = "The role that workflows deploy with: DEPLOY_ROLE_ARN of the GitHub environments that deploy."
  value       = aws_iam_role.deploy.arn
}

output "plan_role_arn" {
  description = "The role that workflows of pull requests plan with: PLAN_ROLE_ARN of the GitHub environments plan-*."
  value       = aws_iam_role.plan.arn
}

output "boundary_arn" {
  description = "The permissions boundary that roles of environments may have."
  value       = aws_iam_policy.boundary.arn
}

output "alert_topic_arn" {
  description = "The topic that gets the budget's alerts. Environments may name it in alarm_actions."
  value       = aws_sns_topic.alerts.arn
}

output "api_gateway_log_role_arn" {
  description = "The role with which API Gateway writes logs."
  value       = aws_api_gateway_account.this.cloudwatch_role_arn
}
