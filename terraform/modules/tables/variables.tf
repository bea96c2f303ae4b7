variable "name_prefix" {
  description = "What every table's name begins with: project and environment."
  type        = string
}

variable "tables" {
  description = "Tables by short name, as in stack.yaml."
  type = map(object({
    description = string
    indexes     = optional(map(object({ partition_key = string, sort_key = string })), {})
  }))
}

variable "deletion_protection" {
  description = "Whether a table refuses to be deleted."
  type        = bool
}

variable "throughput_caps" {
  description = "Read and write units per second that a table and each of its indexes takes at most, by short name; a table without one has no cap."
  type        = map(object({ read = number, write = number }))
  default     = {}
}

variable "name_overrides" {
  description = "Full names of tables that are not called as the others, by short name: such as that of a restored one."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in values(var.name_overrides) : can(regex("^[a-zA-Z0-9_.-]{3,255}$", name))])
    error_message = "A table's name has 3 to 255 letters, digits, dots, dashes and underscores."
  }
}

variable "kms_key_arn" {
  description = "ARN of a KMS key that encrypts the tables, or null for the one that AWS manages."
  type        = string
  default     = null
}
