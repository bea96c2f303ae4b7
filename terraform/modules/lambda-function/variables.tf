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
  description = "Memory in MB, and with it the share of a processor."
  type        = number
}

variable "timeout_s" {
  description = "How long one event may take in seconds, work after the answer included."
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

variable "reserved_concurrency" {
  description = "How many may run at once; -1 for no limit of its own."
  type        = number
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
