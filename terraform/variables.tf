variable "environment" {
  description = "Name of the environment: a part of every name. `make` sets it to the name of the tfvars file."
  type        = string

  validation {
    condition     = var.environment != "local"
    error_message = "The name \"local\" is taken: ENV=local is the backend that `make run` starts."
  }

  validation {
    condition     = var.environment != "account"
    error_message = "The name \"account\" is taken: it is the key of the account root's state."
  }
}

variable "production" {
  description = "Whether real users work in this environment. The guards of the other variables depend on it."
  type        = bool
  default     = false

  validation {
    condition     = var.production || var.environment != "prod"
    error_message = "The environment named prod needs production = true."
  }
}

variable "region" {
  description = "The region of every resource and of the state. There is no default: `make` reads it from the environment's file."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "A region is written as AWS writes it: eu-central-1."
  }
}

variable "allowed_origins" {
  description = "Browser origins that may call: scheme, host, port. There is no default."
  type        = list(string)

  validation {
    condition = !var.production || alltrue([
      for origin in var.allowed_origins :
      startswith(origin, "https://") && !can(regex("//(([^/:]*\\.)?localhost\\.?(:|$)|127\\.|10\\.|192\\.168\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.|\\[)", origin))
    ])
    error_message = "Production takes https origins on the public internet only: no localhost, no private address, no plain http."
  }
}

variable "deletion_protection" {
  description = "Whether tables, and buckets with files in them, refuse to be deleted."
  type        = bool
  default     = false

  validation {
    condition     = !var.production || var.deletion_protection
    error_message = "Production needs deletion_protection = true."
  }
}

variable "log_retention_in_days" {
  description = "How long the functions' logs are kept, audit lines among them."
  type        = number
  default     = 14

  validation {
    condition     = !var.production || var.log_retention_in_days >= 365
    error_message = "Production keeps its logs for 365 days or longer."
  }
}

variable "access_log_retention_in_days" {
  description = "How long access logs are kept. They hold addresses and user agents of people."
  type        = number
  default     = 30
}

variable "log_level" {
  description = "What the functions log: error, warn, info or debug. Audit lines are kept at every level; failed deliveries are counted from lines at info."
  type        = string
  default     = "info"
}

variable "system_log_level" {
  description = "What Lambda itself logs: WARN, INFO or DEBUG. At INFO each event leaves a platform.report with its memory and billed time."
  type        = string
  default     = "INFO"
}

variable "tracing" {
  description = "Whether X-Ray traces are taken."
  type        = bool
  default     = true
}

variable "functions" {
  description = <<-EOT
    What is different for a function in this environment, by its name in stack.yaml: memory, how many may run at once (0 stops it), and
    how many are kept warm behind the alias `live`, such as { ws-provider = { memory_mb = 1024, provisioned_concurrency = 2 } }.
  EOT
  type = map(object({
    memory_mb               = optional(number)
    reserved_concurrency    = optional(number)
    provisioned_concurrency = optional(number)
  }))
  default = {}
}

variable "reserved_concurrency" {
  description = "How many of each function may run at once; -1 for no limit of its own. `functions` sets it for one."
  type        = number
  default     = -1
}

variable "throttling" {
  description = "Requests or frames per second, and how many at once, that each API accepts."
  type        = object({ rate = number, burst = number })
  default     = { rate = 100, burst = 200 }
}

variable "route_throttling" {
  description = <<-EOT
    Requests per second, and how many at once, for single routes of the HTTP API, by route key: in place of `throttling`. The two that
    anyone may call without a token and that cost the most have limits from the start.
  EOT
  type        = map(object({ rate = number, burst = number }))
  default = {
    "POST /auth/login"   = { rate = 20, burst = 40 }
    "POST /auth/refresh" = { rate = 100, burst = 200 }
  }
}

variable "throughput_caps" {
  description = "Read and write units per second that a table and each of its indexes takes at most, by the table's short name, such as { messages = { read = 2000, write = 1000 } }; a table without one has no cap. A brake on the bill."
  type        = map(object({ read = number, write = number }))
  default     = {}
}

variable "detailed_metrics" {
  description = "Whether the APIs have metrics by route: some forty that are paid for one by one, and that no chart shows."
  type        = bool
  default     = false
}

variable "latency_p99_ms" {
  description = "How long one answer in a hundred may take, in milliseconds, before an alarm is raised."
  type        = number
  default     = 1000
}

variable "build_dir" {
  description = "Folder of the zips that `make build` writes."
  type        = string
  default     = "../build"
}

variable "architecture" {
  description = "Instruction set that the zips were built for."
  type        = string
  default     = "x86_64"
}

variable "rates" {
  description = "Limits that replace the code's own, such as { LOGIN_RATE = \"100/min\" }."
  type        = map(string)
  default     = {}
}

variable "limits" {
  description = "Numbers of bytes that replace the code's own, such as { FILE_MAX_BYTES = 52428800 }."
  type        = map(number)
  default     = {}
}

variable "options" {
  description = "Words that replace the code's own, such as { SIGN_UP = \"off\" }."
  type        = map(string)
  default     = {}
}

variable "malware_scan" {
  description = "Whether GuardDuty scans the files that are sent, and no function gives out what it has not found clean. It is paid for by file and size."
  type        = bool
  default     = false
}

variable "file_history_days" {
  description = "How many days a deleted or replaced file can still be had back."
  type        = number
  default     = 30
}

variable "mail" {
  description = <<-EOT
    Mail by SES: `from`, the sender ("Studio <no-reply@example.com>" or the address; its domain becomes an identity), `studio`, the name that
    mails are signed with, and `frontend_origin`, the https origin that their links lead to. `identity_exists`: another environment of the
    account has the domain already. Null: no mail is sent.
  EOT
  type = object({
    from            = string
    studio          = string
    frontend_origin = string
    identity_exists = optional(bool, false)
  })
  default = null
}

variable "signing_keys" {
  description = "Names of the keys that sign access tokens: the current one, and others whose tokens are accepted as well."
  type = object({
    current = string
    others  = optional(list(string), [])
  })
  default = { current = "k1" }
}

variable "account_concurrency" {
  description = "How many Lambda functions of the account and region may run at once: its quota. An alarm is raised at four fifths of it."
  type        = number
  default     = 1000
}

variable "table_name_overrides" {
  description = "Full names of tables that are not called as the others, by short name: such as that of a restored one."
  type        = map(string)
  default     = {}
}

variable "permissions_boundary" {
  description = "ARN of a policy that bounds what the functions' roles may be allowed, or null."
  type        = string
  default     = null
}

variable "kms_key_arn" {
  description = <<-EOT
    ARN of a KMS key of one's own for tables, files, log groups and the alarms' topic, or null for what AWS manages. Its policy must
    let dynamodb, logs and cloudwatch use it.
  EOT
  type        = string
  default     = null
}

variable "alarm_actions" {
  description = "ARNs that are told of alarms. Where there are none, a topic is made."
  type        = list(string)
  default     = []
}

variable "custom_domain" {
  description = "A custom domain for the HTTP API with its regional certificate, or null."
  type        = object({ name = string, certificate_arn = string })
  default     = null
}

variable "edge" {
  description = "CloudFront in front of the HTTP API, under the name of custom_domain, with its certificate in us-east-1 and a web ACL. Null: none."
  type = object({
    certificate_arn = string
    web_acl_arn     = optional(string)
    price_class     = optional(string, "PriceClass_100")
  })
  default = null
}

variable "edge_secrets" {
  description = "What functions know CloudFront's requests by, from TF_VAR_edge_secrets: the first is sent, all are good. The state has them."
  type        = list(string)
  default     = []
  sensitive   = true
}

variable "canary" {
  description = "How a new version gets its traffic: first this percentage for so many minutes, then all; moved by CodeDeploy, or by terraform/shift.sh alone. Null: all at once, by Terraform."
  type = object({
    percent    = optional(number, 10)
    minutes    = optional(number, 5)
    codedeploy = optional(bool, true)
  })
  default = null
}
