# The layer that every function has at /opt/shared-utils: the trust store and the CORS policy.

resource "aws_lambda_layer_version" "this" {
  layer_name               = "${var.name_prefix}-shared-utils"
  description              = "Trust store with the AWS roots, CORS policy"
  filename                 = var.zip
  source_code_hash         = filebase64sha256(var.zip)
  compatible_runtimes      = ["provided.al2023"]
  compatible_architectures = ["x86_64", "arm64"]

  # An old version goes only when no function has it any more.
  lifecycle {
    create_before_destroy = true
  }
}
