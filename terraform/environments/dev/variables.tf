variable "region" {
  description = "The region that everything is in."
  type        = string
  default     = "eu-central-1"
}

variable "allowed_origins" {
  description = "Browser origins that may call."
  type        = list(string)
  default     = ["http://localhost:5173", "https://dev.mylg.studio"]
}

variable "build_dir" {
  description = "Where `make build` put the zips."
  type        = string
  default     = "../../../build"
}

variable "architecture" {
  description = "Instruction set that the zips were built for."
  type        = string
  default     = "x86_64"
}

variable "rates" {
  description = "Limits that are not the code's own, such as { LOGIN_RATE = \"100/min\" }."
  type        = map(string)
  default     = {}
}

variable "signing_keys" {
  description = "Names of the keys that sign access tokens: the current one, and others whose tokens are good as well."
  type = object({
    current = string
    others  = optional(list(string), [])
  })
  default = { current = "k1" }
}

variable "alarm_actions" {
  description = "ARNs that are told of alarms."
  type        = list(string)
  default     = []
}

variable "custom_domain" {
  description = "A domain of one's own for the HTTP API with its regional certificate, or null."
  type        = object({ name = string, certificate_arn = string })
  default     = null
}
