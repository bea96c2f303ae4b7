variable "environment" {
  description = "Which environment: a part of every name."
  type        = string

  validation {
    # The longest name is that of a function and its role: AWS allows 64 characters.
    condition     = can(regex("^[a-z][a-z0-9-]{0,19}$", var.environment)) && !endswith(var.environment, "-")
    error_message = "An environment's name has up to 20 lower-case letters, digits and dashes; it begins with a letter and does not end with a dash."
  }
}

variable "production" {
  description = "Whether real users work here: what cannot be had back is guarded against being destroyed, and log groups stay."
  type        = bool
  default     = false
}

variable "allowed_origins" {
  description = "Browser origins that may call: scheme, host, port; one level of subdomain as https://*.example.com."
  type        = list(string)

  validation {
    condition     = length(var.allowed_origins) > 0
    error_message = "ALLOWED_ORIGINS must be set: there is no default origin."
  }

  validation {
    condition     = alltrue([for origin in var.allowed_origins : can(regex("^https?://([a-z0-9.-]+|\\*\\.[a-z0-9-]+\\.[a-z0-9.-]+)(:[0-9]{1,5})?$", origin))])
    error_message = "Every origin has a scheme and a host and no path: https://app.example.com."
  }

  validation {
    condition     = alltrue([for origin in var.allowed_origins : !strcontains(origin, "*") || startswith(origin, "https://*.")])
    error_message = "A wildcard origin begins with https://*."
  }
}

variable "build_dir" {
  description = "Where `make build` put the zips."
  type        = string

  validation {
    condition = alltrue([
      for name in concat(keys(yamldecode(file("${path.module}/../../stack.yaml")).functions), ["shared-utils"]) : fileexists("${var.build_dir}/${name}.zip")
    ])
    error_message = "A zip is missing in the build folder: run `make build` first."
  }
}

variable "architecture" {
  description = "Instruction set that the zips were built for."
  type        = string
  default     = "x86_64"

  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "The architecture is x86_64 or arm64."
  }

  # `make build` writes what it built for.
  validation {
    condition     = fileexists("${var.build_dir}/architecture") ? trimspace(file("${var.build_dir}/architecture")) == var.architecture : true
    error_message = "The zips in the build folder are for another architecture: run `make build ARCH=<architecture>` first."
  }
}

variable "signing_keys" {
  description = "Names of the keys that sign access tokens: the current one, and others whose tokens are (still or already) good."
  type = object({
    current = string
    others  = optional(list(string), [])
  })
  default = { current = "k1" }
}

variable "deletion_protection" {
  description = "Whether tables, and buckets with files in them, refuse to be deleted."
  type        = bool
}

variable "log_retention_in_days" {
  description = "How long the functions' logs are kept, audit lines among them."
  type        = number

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.log_retention_in_days)
    error_message = "CloudWatch keeps logs for 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545 or 731 days."
  }
}

variable "access_log_retention_in_days" {
  description = "How long access logs are kept. They hold addresses and user agents of people."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.access_log_retention_in_days)
    error_message = "CloudWatch keeps logs for 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545 or 731 days."
  }
}

variable "log_level" {
  description = "What the functions log: error, warn, info or debug. Audit lines are kept at every level; failed deliveries are counted from lines at info."
  type        = string
  default     = "info"

  validation {
    condition     = contains(["error", "warn", "info", "debug"], var.log_level)
    error_message = "The log level is error, warn, info or debug."
  }
}

variable "system_log_level" {
  description = "What Lambda itself logs: WARN, INFO or DEBUG. At INFO each event leaves a platform.report with its memory and billed time."
  type        = string
  default     = "INFO"

  validation {
    condition     = contains(["WARN", "INFO", "DEBUG"], var.system_log_level)
    error_message = "The system log level is WARN, INFO or DEBUG."
  }
}

variable "latency_p99_ms" {
  description = "How long one answer in a hundred may take, in milliseconds, before an alarm is raised."
  type        = number
  default     = 1000

  validation {
    condition     = var.latency_p99_ms >= 100 && var.latency_p99_ms <= 29000
    error_message = "A latency is 100 to 29000 milliseconds."
  }
}

variable "reserved_concurrency" {
  description = "How many of each function may run at once; -1 for no limit of its own. `functions` sets it for one."
  type        = number
  default     = -1

  validation {
    condition     = var.reserved_concurrency >= -1 && floor(var.reserved_concurrency) == var.reserved_concurrency
    error_message = "The reserved concurrency is -1 or a whole number from 0."
  }
}

variable "functions" {
  description = <<-EOT
    What is different for a function in this environment, by its name in stack.yaml: memory, how many may run at once (0 stops it), and
    how many are kept warm behind the alias `live`.
  EOT
  type = map(object({
    memory_mb               = optional(number)
    reserved_concurrency    = optional(number)
    provisioned_concurrency = optional(number)
  }))
  default = {}

  validation {
    condition     = length(setsubtract(keys(var.functions), keys(local.stack.functions))) == 0
    error_message = "There are no other functions than ${join(", ", keys(local.stack.functions))}."
  }

  validation {
    condition     = alltrue([for function in values(var.functions) : function.memory_mb == null ? true : function.memory_mb >= 128 && function.memory_mb <= 10240 && floor(function.memory_mb) == function.memory_mb])
    error_message = "A function has 128 to 10240 MB of memory."
  }

  validation {
    condition     = alltrue([for function in values(var.functions) : function.reserved_concurrency == null ? true : function.reserved_concurrency >= -1 && floor(function.reserved_concurrency) == function.reserved_concurrency])
    error_message = "The reserved concurrency is -1 or a whole number from 0."
  }

  validation {
    condition     = alltrue([for function in values(var.functions) : function.provisioned_concurrency == null ? true : function.provisioned_concurrency >= 0 && floor(function.provisioned_concurrency) == function.provisioned_concurrency])
    error_message = "The provisioned concurrency is a whole number from 0."
  }

  validation {
    condition = alltrue([
      for function in values(var.functions) :
      coalesce(function.reserved_concurrency, var.reserved_concurrency) == -1 || coalesce(function.provisioned_concurrency, 0) <= coalesce(function.reserved_concurrency, var.reserved_concurrency)
    ])
    error_message = "No more of a function can be kept warm than may run at once."
  }
}

variable "tracing" {
  description = "Whether X-Ray traces are taken."
  type        = bool
  default     = true
}

variable "throttling" {
  description = "Requests or frames per second, and how many at once, that each API lets through."
  type        = object({ rate = number, burst = number })

  validation {
    condition     = var.throttling.rate > 0 && var.throttling.burst > 0 && var.throttling.rate <= 10000 && var.throttling.burst <= 5000
    error_message = "The throttling rate is 1 to 10000 and the burst 1 to 5000."
  }
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

  validation {
    condition     = length(setsubtract(keys(var.route_throttling), [for route in local.stack.http_api.routes : route.route])) == 0
    error_message = "There are no other routes than ${join(", ", [for route in local.stack.http_api.routes : route.route])}."
  }

  validation {
    condition     = alltrue([for limit in values(var.route_throttling) : limit.rate > 0 && limit.burst > 0 && limit.rate <= 10000 && limit.burst <= 5000])
    error_message = "The throttling rate is 1 to 10000 and the burst 1 to 5000."
  }
}

variable "detailed_metrics" {
  description = "Whether the APIs have metrics by route: some forty that are paid for one by one, and that no chart shows."
  type        = bool
  default     = false
}

variable "throughput_caps" {
  description = "Read and write units per second that a table and each of its indexes takes at most, by the table's short name; a table without one has no cap. A brake on the bill."
  type        = map(object({ read = number, write = number }))
  default     = {}

  validation {
    condition     = length(setsubtract(keys(var.throughput_caps), keys(local.stack.tables))) == 0
    error_message = "There are no other tables than ${join(", ", keys(local.stack.tables))}."
  }

  validation {
    condition     = alltrue(flatten([for cap in values(var.throughput_caps) : [for units in [cap.read, cap.write] : units >= 1 && floor(units) == units]]))
    error_message = "A cap is a whole number from 1."
  }
}

variable "account_concurrency" {
  description = "How many Lambda functions of the account and region may run at once: its quota. An alarm is raised at four fifths of it."
  type        = number
  default     = 1000

  validation {
    condition     = var.account_concurrency >= 10 && floor(var.account_concurrency) == var.account_concurrency
    error_message = "The account's concurrency is a whole number from 10."
  }
}

variable "table_name_overrides" {
  description = "Full names of tables that are not called as the others, by short name: such as that of a restored one."
  type        = map(string)
  default     = {}

  validation {
    condition     = length(setsubtract(keys(var.table_name_overrides), keys(local.stack.tables))) == 0
    error_message = "There are no other tables than ${join(", ", keys(local.stack.tables))}."
  }

  validation {
    condition     = alltrue([for name in values(var.table_name_overrides) : startswith(name, "${local.stack.project}-${var.environment}-")])
    error_message = "A table's name begins with <project>-<environment>-: the deploy role and the alarms know no others."
  }
}

variable "permissions_boundary" {
  description = "ARN of a policy that bounds what the functions' roles may be allowed, or null."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary == null || can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/", var.permissions_boundary))
    error_message = "A permissions boundary is the ARN of an IAM policy."
  }
}

variable "kms_key_arn" {
  description = <<-EOT
    ARN of a KMS key of one's own for tables, files, log groups and the alarms' topic, or null for what AWS manages. Its policy must
    let dynamodb, logs and cloudwatch use it.
  EOT
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/", var.kms_key_arn))
    error_message = "The key is given by its ARN, not by an alias."
  }
}

variable "alarm_actions" {
  description = "ARNs that are told of alarms. Where there are none, a topic is made."
  type        = list(string)
  default     = []
}

variable "rates" {
  description = "Limits that are not the code's own, by the variable that stack.yaml names: such as { LOGIN_RATE = \"100/min\" }."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for rate in values(var.rates) : can(regex("^(off|(([1-9][0-9]{0,2}|1000)/s|([1-9][0-9]{0,3}|[1-5][0-9]{4}|60000)/min)(:[1-9][0-9]{0,3})?)$", rate))])
    error_message = "A rate is off, or a count per s or min such as 20/min, with the size of bursts behind a colon where it differs: 1/s:10."
  }

  validation {
    condition     = length(setsubtract(keys(var.rates), local.variables.rate)) == 0
    error_message = "There are no other rates than ${join(", ", local.variables.rate)}."
  }
}

variable "limits" {
  description = "Numbers of bytes that are not the code's own, by the variable that stack.yaml names: such as { FILE_MAX_BYTES = 52428800 }."
  type        = map(number)
  default     = {}

  validation {
    condition     = alltrue([for bytes in values(var.limits) : bytes >= 1 && bytes <= 9007199254740991 && floor(bytes) == bytes])
    error_message = "A limit is a whole number of bytes from 1."
  }

  validation {
    condition     = length(setsubtract(keys(var.limits), local.variables.limit)) == 0
    error_message = "There are no other limits than ${join(", ", local.variables.limit)}."
  }
}

variable "options" {
  description = "Words that are not the code's own, by the variable that stack.yaml names: such as { SIGN_UP = \"off\" }."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for word in values(var.options) : can(regex("^[a-z][a-z0-9_-]{0,31}$", word))])
    error_message = "An option is one word of up to 32 lower-case letters, digits, dashes and underscores."
  }

  validation {
    condition     = length(setsubtract(keys(var.options), setsubtract(local.variables.option, ["MALWARE_SCAN"]))) == 0
    error_message = "There are no other options than ${join(", ", setsubtract(local.variables.option, ["MALWARE_SCAN"]))}; malware_scan is a variable of its own."
  }
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

  validation {
    condition     = var.file_history_days >= 1 && var.file_history_days <= 3650 && floor(var.file_history_days) == var.file_history_days
    error_message = "Earlier versions are kept for 1 to 3650 whole days."
  }
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

  validation {
    condition     = var.mail == null ? true : can(regex("^[^[:cntrl:]]{1,100}$", var.mail.studio)) && trimspace(var.mail.studio) == var.mail.studio
    error_message = "A studio's name has 1 to 100 characters, none of them a control character, and no space around it."
  }

  validation {
    condition     = var.mail == null ? true : can(regex("^https://[a-z0-9.-]+(:[0-9]{1,5})?$", var.mail.frontend_origin))
    error_message = "Links in mails lead to an https origin without a path: https://app.example.com."
  }

  # A page that mails lead to must be one that may call.
  validation {
    condition = var.mail == null ? true : anytrue([
      for origin in var.allowed_origins : can(regex("^${replace(replace(origin, ".", "\\."), "*", "[a-z0-9-]+")}$", var.mail.frontend_origin))
    ])
    error_message = "Links in mails lead to one of allowed_origins."
  }
}

variable "custom_domain" {
  description = "A domain of one's own for the HTTP API with its regional certificate, or null."
  type        = object({ name = string, certificate_arn = string })
  default     = null
}

variable "edge" {
  description = "CloudFront in front of the HTTP API, under the name of `custom_domain`: its certificate in us-east-1, a web ACL. Null: none."
  type = object({
    certificate_arn = string
    web_acl_arn     = optional(string)
    price_class     = optional(string, "PriceClass_100")
  })
  default = null

  validation {
    condition     = var.edge == null || (var.custom_domain != null && length(var.edge_secrets) > 0)
    error_message = "CloudFront in front needs custom_domain, whose name it has, and a secret in edge_secrets."
  }

  validation {
    condition     = var.edge == null ? true : can(regex("^arn:aws:acm:us-east-1:", var.edge.certificate_arn))
    error_message = "CloudFront takes certificates of us-east-1 only."
  }
}

variable "edge_secrets" {
  description = "By these secrets functions know CloudFront's requests: it sends the first, and all are good. 32 characters or longer."
  type        = list(string)
  default     = []
  sensitive   = true

  validation {
    condition     = alltrue([for secret in var.edge_secrets : length(secret) >= 32])
    error_message = "A secret has 32 characters or more: openssl rand -hex 32."
  }
}

variable "websocket_management_url" {
  description = "Where functions post to connections, when that is not the API's own address; for emulators."
  type        = string
  default     = null
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
