variable "name" {
  description = "The function's full name."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9-]{1,64}$", var.name))
    error_message = "A function's name has 1 to 64 lower-case letters, digits and dashes."
  }
}

variable "description" {
  description = "What the function is for."
  type        = string
}

variable "zip" {
  description = "Path of the zip with the bootstrap, made by `make build`."
  type        = string
}

variable "layer_arn" {
  description = "ARN of the shared layer's version."
  type        = string
}

variable "architecture" {
  description = "Instruction set that the zip was built for."
  type        = string
}

variable "memory_mb" {
  description = "Memory in MB, and with it the share of a processor: 1769 MB are one."
  type        = number

  validation {
    condition     = var.memory_mb >= 128 && var.memory_mb <= 10240 && floor(var.memory_mb) == var.memory_mb
    error_message = "A function has 128 to 10240 MB of memory."
  }
}

variable "timeout_s" {
  description = "How long one event may take in seconds, background tasks included."
  type        = number

  validation {
    condition     = var.timeout_s >= 3 && var.timeout_s <= 29
    error_message = "A function answers before API Gateway gives up: 3 to 29 seconds."
  }
}

variable "environment" {
  description = "The function's environment variables."
  type        = map(string)
}

variable "statements" {
  description = "What the role may do beside logging: IAM statements."
  type        = any
}

variable "log_retention_in_days" {
  description = "How long logs are kept."
  type        = number
}

variable "log_level" {
  description = "What the function logs: error, warn, info or debug. Audit lines are kept at every level."
  type        = string

  validation {
    condition     = contains(["error", "warn", "info", "debug"], var.log_level)
    error_message = "The log level is error, warn, info or debug."
  }
}

variable "system_log_level" {
  description = "What Lambda itself logs: WARN, INFO or DEBUG. At INFO each event leaves a platform.report with its memory and billed time."
  type        = string

  validation {
    condition     = contains(["WARN", "INFO", "DEBUG"], var.system_log_level)
    error_message = "The system log level is WARN, INFO or DEBUG."
  }
}

variable "reserved_concurrency" {
  description = "How many may run at once; -1 for no limit of its own, 0 stops the function."
  type        = number

  validation {
    condition     = var.reserved_concurrency >= -1 && floor(var.reserved_concurrency) == var.reserved_concurrency
    error_message = "The reserved concurrency is -1 or a whole number from 0."
  }
}

variable "provisioned_concurrency" {
  description = "How many are kept warm behind the alias `live`; 0 for none. They are paid for by the hour."
  type        = number

  validation {
    condition     = var.provisioned_concurrency >= 0 && floor(var.provisioned_concurrency) == var.provisioned_concurrency
    error_message = "The provisioned concurrency is a whole number from 0."
  }

  validation {
    condition     = var.reserved_concurrency == -1 || var.provisioned_concurrency <= var.reserved_concurrency
    error_message = "No more can be kept warm than may run at once."
  }
}

variable "tracing" {
  description = "Whether X-Ray traces are taken."
  type        = bool
}

variable "gradual" {
  description = "Whether the alias is moved outside of Terraform, by weights."
  type        = bool
  default     = false
}

variable "alarm_actions" {
  description = "ARNs that are told of alarms."
  type        = list(string)
}

variable "keep_logs" {
  description = "Whether log groups stay when everything else is destroyed."
  type        = bool
  default     = false
}

variable "kms_key_arn" {
  description = "ARN of a KMS key that encrypts the logs, or null for CloudWatch's own."
  type        = string
  default     = null
}

variable "permissions_boundary" {
  description = "ARN of a policy that bounds what the role may be allowed, or null."
  type        = string
  default     = null
}
