# The workflows' roles. GitHub signs a token for each job; AWS trusts it. There is no stored key.

resource "aws_iam_openid_connect_provider" "github" {
  count = var.github_oidc_provider_exists ? 0 : 1

  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
}

locals {
  # The same value for every creator.
  oidc_provider_arn = "arn:aws:iam::${local.account_id}:oidc-provider/token.actions.githubusercontent.com"

  # What the token's `sub` has to be. A job has an environment's subject only when that GitHub environment lets it run, so the
  # environment's reviewers and branches guard the role. They are listed, because GitHub makes an environment without guards for every
  # new name that a workflow uses. Pull requests from forks get no token.
  repository = "repo:${var.github_repository}"
  token      = "token.actions.githubusercontent.com"
  trust = {
    for role, condition in {
      deploy = { StringEquals = {
        "${local.token}:aud" = "sts.amazonaws.com"
        "${local.token}:sub" = [for name in sort(var.github_environments) : "${local.repository}:environment:${name}"]
      } }
      plan = {
        StringEquals = { "${local.token}:aud" = "sts.amazonaws.com" }
        StringLike   = { "${local.token}:sub" = ["${local.repository}:environment:plan-*", "${local.repository}:pull_request"] }
      }
      } : role => jsonencode({
        Version = "2012-10-17"
        Statement = [{
          Effect    = "Allow"
          Action    = ["sts:AssumeRoleWithWebIdentity"]
          Principal = { Federated = local.oidc_provider_arn }
          Condition = condition
        }]
    })
  }
}

resource "aws_iam_role" "deploy" {
  name                 = "${local.project}-deploy"
  path                 = local.path
  description          = "Deploys environments from the workflows of ${var.github_repository}"
  assume_role_policy   = local.trust.deploy
  max_session_duration = 3600

  depends_on = [aws_iam_openid_connect_provider.github]
}

resource "aws_iam_role" "plan" {
  name                 = "${local.project}-plan"
  path                 = local.path
  description          = "Plans environments for pull requests of ${var.github_repository}; changes nothing"
  assume_role_policy   = local.trust.plan
  max_session_duration = 3600

  depends_on = [aws_iam_openid_connect_provider.github]
}

resource "aws_iam_policy" "read" {
  name        = "${local.project}-read"
  path        = local.path
  description = "What a plan of an environment of ${local.project} reads, and what no workflow may do"
  policy      = local.read_policy
}

resource "aws_iam_policy" "deploy" {
  for_each = local.deploy_policies

  name        = "${local.project}-deploy-${each.key}"
  path        = local.path
  description = "What a deployment of an environment of ${local.project} changes: ${each.key}"
  policy      = each.value
}

# The denials are in the read policy: it is attached first, and taken away last.
resource "aws_iam_role_policy_attachment" "read" {
  for_each = { deploy = aws_iam_role.deploy.name, plan = aws_iam_role.plan.name }

  role       = each.value
  policy_arn = aws_iam_policy.read.arn
}

resource "aws_iam_role_policy_attachment" "deploy" {
  for_each = aws_iam_policy.deploy

  role       = aws_iam_role.deploy.name
  policy_arn = each.value.arn

  depends_on = [aws_iam_role_policy_attachment.read]
}

# The most that a role of an environment can be allowed.
resource "aws_iam_policy" "boundary" {
  name        = "${local.project}-boundary"
  path        = local.path
  description = "The most that a role of an environment of ${local.project} may do"
  policy      = local.boundary_policy
}
