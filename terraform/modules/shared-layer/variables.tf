variable "name_prefix" {
  description = "What the layer's name begins with: project and environment."
  type        = string
}

variable "zip" {
  description = "Path of the layer's zip, made by `make build`."
  type        = string
}
