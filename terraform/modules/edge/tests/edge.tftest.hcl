mock_provider "aws" {}

variables {
  name            = "mylg-prod-http"
  domain_name     = "api.example.com"
  origin          = "d-123.execute-api.eu-central-1.amazonaws.com"
  certificate_arn = "arn:aws:acm:us-east-1:000000000000:certificate/c"
  secret          = "0123456789abcdef0123456789abcdef"
}

run "everything_passes_and_nothing_is_cached" {
  command = apply

  assert {
    condition = (
      data.aws_cloudfront_cache_policy.none.name == "Managed-CachingDisabled"
      && data.aws_cloudfront_origin_request_policy.everything.name == "Managed-AllViewerAndCloudFrontHeaders-2022-06"
      && aws_cloudfront_distribution.this.default_cache_behavior[0].cache_policy_id == data.aws_cloudfront_cache_policy.none.id
      && aws_cloudfront_distribution.this.default_cache_behavior[0].origin_request_policy_id == data.aws_cloudfront_origin_request_policy.everything.id
    )
    error_message = "Responses are cached, or a header is lost."
  }

  assert {
    condition     = length(aws_cloudfront_distribution.this.default_cache_behavior[0].allowed_methods) == 7
    error_message = "A method does not pass."
  }

  assert {
    condition     = nonsensitive(one(one(aws_cloudfront_distribution.this.origin).custom_header)) == { name = "X-Origin-Secret", value = "0123456789abcdef0123456789abcdef" }
    error_message = "Functions would not know CloudFront's requests."
  }

  # libs/shared-utils/src/http/cloudfront.rs reads this header.
  assert {
    condition     = strcontains(file("../../../libs/shared-utils/src/http/cloudfront.rs"), "\"${lower(nonsensitive(one(one(aws_cloudfront_distribution.this.origin).custom_header).name))}\"")
    error_message = "The code reads another header."
  }
}
