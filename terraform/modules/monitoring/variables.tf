variable "name_prefix" {
  description = "What every name begins with: project and environment."
  type        = string
}

variable "region" {
  description = "The region that the dashboard shows."
  type        = string
}

variable "http_api_id" {
  description = "Id of the HTTP API."
  type        = string
}

variable "websocket_api_id" {
  description = "Id of the WebSocket API."
  type        = string
}

variable "websocket_stage" {
  description = "Stage of the WebSocket API."
  type        = string
}

variable "functions" {
  description = "Functions by short name, with their log groups."
  type        = map(object({ function_name = string, log_group_name = string }))
}

variable "tables" {
  description = "Full names of the tables and the names of their indexes, by short name."
  type        = map(object({ name = string, indexes = list(string) }))
}

variable "latency_p99_ms" {
  description = "How long one answer in a hundred may take, in milliseconds, before an alarm is raised."
  type        = number

  validation {
    condition     = var.latency_p99_ms >= 100 && var.latency_p99_ms <= 29000
    error_message = "A latency is 100 to 29000 milliseconds."
  }
}

variable "account_concurrency" {
  description = "How many Lambda functions of the account and region may run at once: its quota."
  type        = number
  default     = 1000

  validation {
    condition     = var.account_concurrency >= 10 && floor(var.account_concurrency) == var.account_concurrency
    error_message = "The account's concurrency is a whole number from 10."
  }
}

variable "login_locked_burst" {
  description = "How many locked addresses within five minutes raise an alarm."
  type        = number
  default     = 10

  validation {
    condition     = var.login_locked_burst >= 1
    error_message = "A burst is one or more."
  }
}

variable "refresh_reuse_burst" {
  description = "How many refresh tokens used twice within five minutes raise an alarm."
  type        = number
  default     = 3

  validation {
    condition     = var.refresh_reuse_burst >= 1
    error_message = "A burst is one or more."
  }
}

variable "table_throttles" {
  description = "How many refused requests to a table or an index within five minutes raise an alarm. A few are retried without anyone noticing."
  type        = number
  default     = 10

  validation {
    condition     = var.table_throttles >= 1
    error_message = "One refused request or more."
  }
}

variable "alarm_actions" {
  description = "ARNs that are told of alarms."
  type        = list(string)
}
