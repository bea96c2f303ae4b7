variable "name" {
  description = "What the distribution is called in the console."
  type        = string
}

variable "domain_name" {
  description = "The name by which clients call, and by which CloudFront calls the API."
  type        = string
}

variable "origin" {
  description = "The regional domain name of the API's custom domain."
  type        = string
}

variable "certificate_arn" {
  description = "The name's certificate in us-east-1."
  type        = string
}

variable "web_acl_arn" {
  description = "ARN of a web ACL with the scope CLOUDFRONT, or null."
  type        = string
  default     = null
}

variable "price_class" {
  description = "Which of CloudFront's locations answer."
  type        = string
  default     = "PriceClass_100"
}

variable "secret" {
  description = "What functions know CloudFront's requests by."
  type        = string
  sensitive   = true
}
