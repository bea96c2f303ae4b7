variable "name" {
  description = "Name of the configuration set."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,64}$", var.name))
    error_message = "A configuration set's name has 1 to 64 letters, digits, dashes and underscores."
  }
}

variable "from" {
  description = "The sender that people see: an address, or a name and an address as in \"Studio <no-reply@example.com>\"."
  type        = string

  validation {
    # In lower case, because IAM compares it so. Other marks in a name would have to be quoted, other letters encoded.
    condition     = length(var.from) <= 320 && can(regex("^(([A-Za-z0-9&'+_-]+ )+<[a-z0-9._+-]+@([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,63}>|[a-z0-9._+-]+@([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,63})$", var.from))
    error_message = "The sender is no-reply@example.com or Studio <no-reply@example.com>: the name of letters, digits, spaces and & ' + _ -, the address in lower case."
  }
}

variable "identity_exists" {
  description = "Whether the domain is an identity of this account and region already, such as that of another environment."
  type        = bool
  default     = false
}
