variable "environment" {
  description = "Which environment: a part of every name."
  type        = string

  validation {
    # The longest name is that of a function and its role: AWS allows 64 characters.
    condition     = can(regex("^[a-z][a-z0-9-]{0,19}$", var.environment)) && !endswith(var.environment, "-")
    error_message = "An environment's name has up to 20 lower-case letters, digits and dashes; it begins with a letter and does not end with a dash."
  }
}

variable "allowed_origins" {
  description = "Browser origins that may call: scheme, host, port; one level of subdomain as https://*.example.com."
  type        = list(string)

  validation {
    condition     = length(var.allowed_origins) > 0
    error_message = "ALLOWED_ORIGINS must be set: there is no default origin."
  }

  validation {
    condition     = alltrue([for origin in var.allowed_origins : can(regex("^https?://([a-z0-9.-]+|\\*\\.[a-z0-9-]+\\.[a-z0-9.-]+)(:[0-9]{1,5})?$", origin))])
    error_message = "Every origin has a scheme and a host and no path: https://app.example.com."
  }

  validation {
    condition     = alltrue([for origin in var.allowed_origins : !strcontains(origin, "*") || startswith(origin, "https://*.")])
    error_message = "A wildcard origin begins with https://*."
  }
}

variable "build_dir" {
  description = "Where `make build` put the zips."
  type        = string

  validation {
    condition = alltrue([
      for name in concat(keys(yamldecode(file("${path.module}/../../stack.yaml")).functions), ["shared-utils"]) : fileexists("${var.build_dir}/${name}.zip")
    ])
    error_message = "A zip is missing in the build folder: run `make build` first."
  }
}

variable "architecture" {
  description = "Instruction set that the zips were built for."
  type        = string
  default     = "x86_64"

  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "The architecture is x86_64 or arm64."
  }
}

variable "signing_keys" {
  description = "Names of the keys that sign access tokens: the current one, and others whose tokens are (still or already) good."
  type = object({
    current = string
    others  = optional(list(string), [])
  })
  default = { current = "k1" }
}

variable "deletion_protection" {
  description = "Whether tables refuse to be deleted."
  type        = bool
}

variable "log_retention_in_days" {
  description = "How long logs are kept."
  type        = number

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.log_retention_in_days)
    error_message = "CloudWatch keeps logs for 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545 or 731 days."
  }
}

variable "log_level" {
  description = "What the functions log."
  type        = string
  default     = "info"

  validation {
    condition     = contains(["error", "warn", "info", "debug"], var.log_level)
    error_message = "The log level is error, warn, info or debug."
  }
}

variable "reserved_concurrency" {
  description = "How many of each function may run at once; -1 for no limit of its own."
  type        = number
  default     = -1
}

variable "tracing" {
  description = "Whether X-Ray traces are taken."
  type        = bool
  default     = true
}

variable "throttling" {
  description = "Requests or frames per second, and how many at once, that each API lets through."
  type        = object({ rate = number, burst = number })

  validation {
    condition     = var.throttling.rate > 0 && var.throttling.burst > 0 && var.throttling.rate <= 10000 && var.throttling.burst <= 5000
    error_message = "The throttling rate is 1 to 10000 and the burst 1 to 5000."
  }
}

variable "alarm_actions" {
  description = "ARNs that are told of alarms, such as an SNS topic's."
  type        = list(string)
  default     = []
}

variable "rates" {
  description = "Limits that are not the code's own, by the variable that stack.yaml names: such as { LOGIN_RATE = \"100/min\" }."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for rate in values(var.rates) : can(regex("^(off|(([1-9][0-9]{0,2}|1000)/s|([1-9][0-9]{0,3}|[1-5][0-9]{4}|60000)/min)(:[1-9][0-9]{0,3})?)$", rate))])
    error_message = "A rate is off, or a count per s or min such as 20/min, with the size of bursts behind a colon where it differs: 1/s:10."
  }

  validation {
    condition     = length(setsubtract(keys(var.rates), local.rate_variables)) == 0
    error_message = "There are no other rates than ${join(", ", local.rate_variables)}."
  }
}

variable "custom_domain" {
  description = "A domain of one's own for the HTTP API with its regional certificate, or null."
  type        = object({ name = string, certificate_arn = string })
  default     = null
}

variable "websocket_management_url" {
  description = "Where functions post to connections, when that is not the API's own address; for emulators."
  type        = string
  default     = null
}

variable "canary" {
  description = "How a new version gets its traffic: first this percentage for so many minutes, then all; moved by CodeDeploy, or by terraform/shift.sh alone. Null: all at once, by Terraform."
  type = object({
    percent    = optional(number, 10)
    minutes    = optional(number, 5)
    codedeploy = optional(bool, true)
  })
  default = null
}
