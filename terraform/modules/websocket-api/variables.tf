variable "name" {
  description = "The API's full name."
  type        = string
}

variable "stage" {
  description = "The stage's name, the path of the API's address."
  type        = string
}

variable "route_selection_expression" {
  description = "Where a frame's route stands."
  type        = string
}

variable "functions" {
  description = "Functions behind the API, by their short name."
  type        = map(object({ invoke_arn = string, function_name = string }))
}

variable "routes" {
  description = "Route key → the function behind it, and whether its body is the reply to the sender."
  type        = map(object({ function = string, route_response = bool }))
}

variable "throttling" {
  description = "Frames per second, and how many at once, that the stage lets through."
  type        = object({ rate = number, burst = number })
}

variable "detailed_metrics" {
  description = "Whether there are metrics by route; they are paid for one by one."
  type        = bool
}

variable "log_retention_in_days" {
  description = "How long access logs are kept."
  type        = number
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
