variable "name" {
  description = "The API's full name."
  type        = string
}

variable "functions" {
  description = "Functions behind the API, by their short name."
  type        = map(object({ invoke_arn = string, function_name = string }))
}

variable "routes" {
  description = "Route key → short name of the function behind it."
  type        = map(string)
}

variable "throttling" {
  description = "Requests per second, and how many at once, that the stage lets through."
  type        = object({ rate = number, burst = number })
}

variable "route_throttling" {
  description = "The same for single routes, by route key; they are a part of `routes`."
  type        = map(object({ rate = number, burst = number }))

  validation {
    condition     = length(setsubtract(keys(var.route_throttling), keys(var.routes))) == 0
    error_message = "Only a route can be throttled."
  }
}

variable "detailed_metrics" {
  description = "Whether there are metrics by route; they are paid for one by one."
  type        = bool
}

variable "log_retention_in_days" {
  description = "How long access logs are kept."
  type        = number
}

variable "custom_domain" {
  description = "A domain of one's own with its regional certificate, or null."
  type        = object({ name = string, certificate_arn = string })
  default     = null
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

variable "behind_edge" {
  description = "Whether CloudFront is in front: the API's own address is closed then."
  type        = bool
  default     = false
}
