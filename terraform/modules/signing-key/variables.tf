variable "name_prefix" {
  description = "What the keys' names begin with: project and environment."
  type        = string
}

variable "keys" {
  description = "Names of the keys that exist; a name is the kid of the tokens it signs."
  type        = set(string)

  validation {
    condition     = length(var.keys) >= 1 && length(var.keys) <= 3 && alltrue([for key in var.keys : can(regex("^[a-z0-9-]{1,32}$", key))])
    error_message = "One to three signing keys, named with lower-case letters, digits and dashes."
  }
}

variable "signer_roles" {
  description = "Names of the roles that may sign. Nobody else may."
  type        = set(string)

  validation {
    condition     = length(var.signer_roles) >= 1 && alltrue([for role in var.signer_roles : can(regex("^[a-z0-9-]{1,64}$", role))])
    error_message = "At least one role signs, named with lower-case letters, digits and dashes."
  }
}

variable "deletion_window_in_days" {
  description = "How long a key that is taken out can still be brought back, in days."
  type        = number
  default     = 30
}
