variable "region" {
  description = "The region of the state bucket and of every environment in this account."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "A region is written as AWS writes it: eu-central-1."
  }
}

variable "github_repository" {
  description = "The repository whose workflows may take the roles, as owner/name."
  type        = string

  validation {
    # No asterisk: the role's trust compares with StringLike.
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+$", var.github_repository))
    error_message = "The repository is written as owner/name."
  }
}

variable "github_environments" {
  description = "GitHub environments whose jobs may deploy. Each needs guards at GitHub: the branches that it takes, and reviewers for production."
  type        = list(string)
  default     = ["dev", "prod", "staging"]

  validation {
    condition     = length(var.github_environments) > 0 && alltrue([for name in var.github_environments : can(regex("^[A-Za-z0-9._-]+$", name))])
    error_message = "At least one environment is needed, and none is a pattern: GitHub makes an environment without guards for every new name."
  }

  validation {
    condition     = alltrue([for name in var.github_environments : !startswith(name, "plan-")])
    error_message = "Environments named plan-* plan pull requests, without reviewers: they cannot deploy."
  }
}

variable "github_oidc_provider_exists" {
  description = "Whether the account has GitHub's OIDC provider already: an account can have only one."
  type        = bool
  default     = false
}

variable "alert_emails" {
  description = "Addresses that are told of the bill. AWS asks each to confirm."
  type        = list(string)

  validation {
    condition     = length(var.alert_emails) > 0 && alltrue([for email in var.alert_emails : can(regex("^[^@ ]+@[^@ ]+\\.[^@ ]+$", email))])
    error_message = "At least one e-mail address is needed: without one, nobody receives the budget alerts."
  }
}

variable "monthly_budget_usd" {
  description = "What the whole account may cost in a month, in US dollars."
  type        = number
  default     = 100

  validation {
    condition     = var.monthly_budget_usd >= 1 && floor(var.monthly_budget_usd) == var.monthly_budget_usd
    error_message = "The budget is a whole number of dollars, 1 or more."
  }
}

variable "state_history_days" {
  description = "How long earlier versions of a state are kept. The newest ten stay in any case."
  type        = number
  default     = 90

  validation {
    condition     = var.state_history_days >= 30
    error_message = "Earlier versions of a state are kept for 30 days or longer."
  }
}

variable "boundary_required" {
  description = "Whether the deploy role may only make roles that have the permissions boundary. Set it once the environments' roles have it (permissions_boundary in their files)."
  type        = bool
  default     = false
}
