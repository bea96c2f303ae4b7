# What the rehearsal changes in its scratch copy of the root: the state is a file, the emulator is the cloud.

terraform {
  backend "local" {}
}

provider "aws" {
  skip_credentials_validation = true
  skip_metadata_api_check     = true
}

module "backend" {
  websocket_management_url = "${var.emulator}/_aws/execute-api/${module.backend.websocket_api_id}/live"
  # SES of the emulator verifies any domain at once. It has no GuardDuty, so malware_scan stays off.
  mail = { from = "Studio <no-reply@mylg.test>", studio = "Studio", frontend_origin = "https://dev.mylg.studio" }
  # Everyone in the suite comes from one address, and faster than people do.
  options = { SIGN_UP = "open" }
  rates   = { LOGIN_RATE = "off", CONNECT_RATE = "off", ACTION_RATE = "off", SEND_RATE = "off", MAIL_RATE = "off" }
}
