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
