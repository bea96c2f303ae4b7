variable "name_prefix" {
  description = "What the bucket's name begins with: project, environment and the bucket's short name. Account and region follow."
  type        = string

  validation {
    # S3 allows 63 characters: 12 are the account's, up to 14 the region's, and two dashes.
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,34}$", var.name_prefix))
    error_message = "A bucket's name begins with 2 to 35 lower-case letters, digits and dashes."
  }
}

variable "allowed_origins" {
  description = "Browser origins whose pages may send and read files; one level of subdomain as https://*.example.com."
  type        = list(string)

  validation {
    condition     = length(var.allowed_origins) > 0 && length(var.allowed_origins) <= 100
    error_message = "A CORS rule has 1 to 100 origins."
  }

  validation {
    condition     = alltrue([for origin in var.allowed_origins : length(regexall("\\*", origin)) <= 1 && origin != "*"])
    error_message = "S3 takes one * in an origin, and an origin is more than that."
  }
}

variable "force_destroy" {
  description = "Whether the bucket may be deleted with the files that are in it."
  type        = bool
}

variable "history_days" {
  description = "How many days an earlier version or a deleted file can still be had back."
  type        = number
  default     = 30

  validation {
    condition     = var.history_days >= 1 && var.history_days <= 3650 && floor(var.history_days) == var.history_days
    error_message = "Earlier versions are kept for 1 to 3650 whole days."
  }
}

variable "malware_scan" {
  description = "Whether GuardDuty scans what is sent, tags it, and the bucket refuses to give out what it found harmful. It is paid for by file and size."
  type        = bool
  default     = false
}

variable "kms_key_arn" {
  description = "ARN of a KMS key that encrypts the files, or null for S3's own."
  type        = string
  default     = null
}

variable "permissions_boundary" {
  description = "ARN of a policy that bounds what the scan's role may be allowed, or null."
  type        = string
  default     = null
}
