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

variable "table_names" {
  description = "Full names of the tables."
  type        = list(string)
}

variable "latency_p99_ms" {
  description = "How long one answer in a hundred may take, in milliseconds, before an alarm is raised."
  type        = number

  validation {
    condition     = var.latency_p99_ms >= 100 && var.latency_p99_ms <= 29000
    error_message = "A latency is 100 to 29000 milliseconds."
  }
}

variable "alarm_actions" {
  description = "ARNs that are told of alarms."
  type        = list(string)
}
