# The workflows' roles. GitHub signs a token for each job; AWS trusts it. There is no stored key.

resource "aws_iam_openid_connect_provider" "github" {
  count = var.github_oidc_provider_exists ? 0 : 1

  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
}

locals {
  # The same whoever made it.
  oidc_provider_arn = "arn:aws:iam::${local.account_id}:oidc-provider/token.actions.githubusercontent.com"

  # What the token's `sub` has to be. A job has an environment's subject only when that GitHub environment lets it run, so the
  # environment's reviewers and branches guard the role. Pull requests from forks get no token.
  subjects = {
    deploy = "repo:${var.github_repository}:environment:*"
    plan   = "repo:${var.github_repository}:pull_request"
  }
  trust = {
    for role, subject in local.subjects : role => jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Effect    = "Allow"
        Action    = ["sts:AssumeRoleWithWebIdentity"]
        Principal = { Federated = local.oidc_provider_arn }
        Condition = {
          StringEquals = { "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com" }
          StringLike   = { "token.actions.githubusercontent.com:sub" = subject }
        }
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
  name        = "${local.project}-deploy"
  path        = local.path
  description = "What a deployment of an environment of ${local.project} changes"
  policy      = local.deploy_policy
}

# The denials are in the read policy: it is attached first, and taken away last.
resource "aws_iam_role_policy_attachment" "read" {
  for_each = { deploy = aws_iam_role.deploy.name, plan = aws_iam_role.plan.name }

  role       = each.value
  policy_arn = aws_iam_policy.read.arn
}

resource "aws_iam_role_policy_attachment" "deploy" {
  role       = aws_iam_role.deploy.name
  policy_arn = aws_iam_policy.deploy.arn

  depends_on = [aws_iam_role_policy_attachment.read]
}

# The most that a role of an environment can be allowed.
resource "aws_iam_policy" "boundary" {
  name        = "${local.project}-boundary"
  path        = local.path
  description = "The most that a role of an environment of ${local.project} may do"
  policy      = local.boundary_policy
}
