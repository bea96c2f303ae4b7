# The one account. Terraform reads this file by itself; so do the tests.

region = "eu-central-1"

# Without these `make account` does nothing.
# github_repository = "<owner>/<repository>"
# alert_emails      = ["<who is told of the bill>"]
