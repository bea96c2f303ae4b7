variable "name_prefix" {
  description = "What every name begins with: project and environment. The CodeDeploy application is named so."
  type        = string
}

variable "functions" {
  description = "Functions by short name: full name, ARN without a version, and the version that was published last."
  type        = map(object({ function_name = string, arn = string, version = string }))
}

variable "alias" {
  description = "The alias that is shifted."
  type        = string
  default     = "live"
}

variable "canary" {
  description = "The share of the traffic that a new version gets first, for how many minutes, and whether CodeDeploy moves it (else terraform/shift.sh does)."
  type = object({
    percent    = optional(number, 10)
    minutes    = optional(number, 5)
    codedeploy = optional(bool, true)
  })

  validation {
    condition     = var.canary.percent >= 1 && var.canary.percent <= 99 && floor(var.canary.percent) == var.canary.percent
    error_message = "The canary's share is 1 to 99 percent."
  }

  validation {
    condition     = var.canary.minutes >= 1 && var.canary.minutes <= 2880 && floor(var.canary.minutes) == var.canary.minutes
    error_message = "The canary's time is 1 minute to 2 days."
  }
}

variable "alarm_names" {
  description = "Further alarms at which every deployment goes back. AWS takes ten for each function, one of them is the module's own."
  type        = list(string)
  default     = []

  validation {
    condition     = length(var.alarm_names) <= 9
    error_message = "CodeDeploy watches ten alarms at most, and one of them is the module's own."
  }
}

variable "alarm_actions" {
  description = "ARNs that are told of alarms."
  type        = list(string)
  default     = []
}

variable "permissions_boundary" {
  description = "ARN of a policy that bounds what CodeDeploy's role may be allowed, or null."
  type        = string
  default     = null
}
