variable "environment" {
  description = "Name of the environment: a part of every name. `make` sets it to the name of the tfvars file."
  type        = string

  validation {
    condition     = var.environment != "local"
    error_message = "The name \"local\" is taken: ENV=local is the backend that `make run` starts."
  }
}

variable "production" {
  description = "Whether real users work in this environment. The guards of the other variables depend on it."
  type        = bool
  default     = false

  validation {
    condition     = var.production || var.environment != "prod"
    error_message = "The environment named prod needs production = true."
  }
}

variable "region" {
  description = "The region of every resource."
  type        = string
  default     = "eu-central-1"
}

variable "allowed_origins" {
  description = "Browser origins that may call: scheme, host, port. There is no default."
  type        = list(string)

  validation {
    condition = !var.production || alltrue([
      for origin in var.allowed_origins :
      startswith(origin, "https://") && !can(regex("//(([^/:]*\\.)?localhost\\.?(:|$)|127\\.|10\\.|192\\.168\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.|\\[)", origin))
    ])
    error_message = "Production takes https origins on the public internet only: no localhost, no private address, no plain http."
  }
}

variable "deletion_protection" {
  description = "Whether tables refuse to be deleted."
  type        = bool
  default     = false

  validation {
    condition     = !var.production || var.deletion_protection
    error_message = "Production needs deletion_protection = true."
  }
}

variable "log_retention_in_days" {
  description = "How long logs are kept."
  type        = number
  default     = 14

  validation {
    condition     = !var.production || var.log_retention_in_days >= 365
    error_message = "Production keeps its logs for 365 days or longer."
  }
}

variable "log_level" {
  description = "What the functions log: error, warn, info or debug."
  type        = string
  default     = "info"
}

variable "throttling" {
  description = "Requests or frames per second, and how many at once, that each API accepts."
  type        = object({ rate = number, burst = number })
  default     = { rate = 100, burst = 200 }
}

variable "build_dir" {
  description = "Folder of the zips that `make build` writes."
  type        = string
  default     = "../build"
}

variable "architecture" {
  description = "Instruction set that the zips were built for."
  type        = string
  default     = "x86_64"
}

variable "rates" {
  description = "Limits that replace the code's own, such as { LOGIN_RATE = \"100/min\" }."
  type        = map(string)
  default     = {}
}

variable "signing_keys" {
  description = "Names of the keys that sign access tokens: the current one, and others whose tokens are accepted as well."
  type = object({
    current = string
    others  = optional(list(string), [])
  })
  default = { current = "k1" }
}

variable "alarm_actions" {
  description = "ARNs that alarms notify."
  type        = list(string)
  default     = []
}

variable "custom_domain" {
  description = "A custom domain for the HTTP API with its regional certificate, or null."
  type        = object({ name = string, certificate_arn = string })
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
