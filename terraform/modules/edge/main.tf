# CloudFront in front of the HTTP API: it takes a web ACL, which HTTP APIs do not. It caches nothing, and passes everything on with the
# viewer's address and a secret, by which functions know its requests.

data "aws_cloudfront_cache_policy" "none" {
  name = "Managed-CachingDisabled"
}

# With the viewer's Host header: the API is asked for by the same name.
data "aws_cloudfront_origin_request_policy" "everything" {
  name = "Managed-AllViewerAndCloudFrontHeaders-2022-06"
}

resource "aws_cloudfront_distribution" "this" {
  comment         = var.name
  enabled         = true
  is_ipv6_enabled = true
  http_version    = "http2and3"
  aliases         = [var.domain_name]
  price_class     = var.price_class
  web_acl_id      = var.web_acl_arn

  origin {
    origin_id   = "http-api"
    domain_name = var.origin

    custom_header {
      # CloudFront refuses names that begin with X-Edge-.
      name  = "X-Origin-Secret"
      value = var.secret
    }

    custom_origin_config {
      http_port              = 80
      https_port             = 443
      origin_protocol_policy = "https-only"
      origin_ssl_protocols   = ["TLSv1.2"]
      # Longer than the gateway waits for a function.
      origin_read_timeout = 35
    }
  }

  default_cache_behavior {
    target_origin_id         = "http-api"
    viewer_protocol_policy   = "https-only"
    allowed_methods          = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
    cached_methods           = ["GET", "HEAD"]
    cache_policy_id          = data.aws_cloudfront_cache_policy.none.id
    origin_request_policy_id = data.aws_cloudfront_origin_request_policy.everything.id
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
    acm_certificate_arn      = var.certificate_arn
    minimum_protocol_version = "TLSv1.2_2021"
    ssl_support_method       = "sni-only"
  }
}
