//! CloudFront in front of the HTTP API, as an option: which requests came through it, and the addresses of their viewers.
//!
//! API Gateway sees only CloudFront's addresses then. CloudFront adds `CloudFront-Viewer-Address` and a secret header to each request, and
//! overwrites what a viewer sends under these names. Requests without the secret are refused: they bypassed the web ACL, and could claim any
//! client address.

use std::net::IpAddr;

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use ring::digest::{SHA256, digest};

use super::{Api, Error, Response, serve};
use crate::env::{EnvError, Environment};

/// The header with the secret.
const SECRET: &str = "x-origin-secret";
const VIEWER_ADDRESS: &str = "cloudfront-viewer-address";

/// What a request that came through CloudFront is known by.
#[derive(Debug, Clone)]
pub struct CloudFront {
    /// SHA-256 of each secret that is good, in hexadecimal digits: two while a secret is replaced.
    hashes: Vec<String>,
}

impl CloudFront {
    /// Reads `EDGE_SECRET_SHA256`: hashes with commas between them. `None` without CloudFront.
    pub fn from_env(env: &Environment) -> Result<Option<Self>, EnvError> {
        let Some(hashes) = env.optional("EDGE_SECRET_SHA256")? else { return Ok(None) };
        let hashes: Vec<String> = hashes.split(',').map(str::to_owned).collect();
        let is_hash = |hash: &String| hash.len() == 64 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if hashes.iter().all(is_hash) {
            Ok(Some(Self { hashes }))
        } else {
            Err(EnvError::unusable("EDGE_SECRET_SHA256", "not SHA-256 in hexadecimal digits"))
        }
    }

    /// Takes the secret from the event and replaces CloudFront's address with the viewer's. [`Error::Forbidden`] without the secret.
    fn verify(&self, event: &mut ApiGatewayV2httpRequest) -> Result<(), Error> {
        let secret = event.headers.remove(SECRET).ok_or(Error::Forbidden)?;
        let hash = hex(digest(&SHA256, secret.as_bytes()).as_ref());
        if !self.hashes.contains(&hash) {
            return Err(Error::Forbidden);
        }
        if let Some(viewer) = event.headers.get(VIEWER_ADDRESS).and_then(|value| address(value.to_str().ok()?)) {
            event.request_context.http.source_ip = Some(viewer.to_string());
        }
        Ok(())
    }
}

/// As [`serve`], for requests that came through CloudFront where there is one.
pub async fn serve_behind_cloudfront<A: Api>(
    cloudfront: Option<&CloudFront>,
    api: &A,
    mut event: ApiGatewayV2httpRequest,
) -> aws_lambda_events::apigw::ApiGatewayV2httpResponse {
    match cloudfront.map(|cloudfront| cloudfront.verify(&mut event)) {
        None | Some(Ok(())) => serve(api, event).await,
        Some(Err(error)) => {
            tracing::info!(
                method = event.request_context.http.method.as_str(),
                status = error.status(),
                code = error.code(),
                "request bypassed CloudFront"
            );
            Response::problem(&error, event.request_context.request_id.as_deref().unwrap_or_default()).into_event()
        }
    }
}

/// The address in `address:port`. CloudFront writes an IPv6 address without brackets.
fn address(text: &str) -> Option<IpAddr> {
    let (address, _port) = text.rsplit_once(':')?;
    address.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cloudfront(hashes: &str) -> Result<Option<CloudFront>, EnvError> {
        CloudFront::from_env(&Environment::of([("EDGE_SECRET_SHA256".to_owned(), hashes.to_owned())].into()))
    }

    fn event(headers: &serde_json::Value) -> ApiGatewayV2httpRequest {
        serde_json::from_value(json!({"headers": headers, "requestContext": {"http": {"method": "GET", "sourceIp": "130.176.0.1"}}})).unwrap()
    }

    #[test]
    fn the_viewer_counts_and_the_secret_goes_no_further() {
        // `printf 'old' | sha256sum` and 'new'.
        let both = cloudfront(
            "cba06b5736faf67e54b07b561eae94395e774c517a7d910a54369e1263ccfbd4,11507a0e2f5e69d5dfa40a62a1bd7b6ee57e6bcd85c67c9b8431b36fff21c437",
        );
        let both = both.unwrap().unwrap();
        for secret in ["old", "new"] {
            let mut event = event(&json!({"x-origin-secret": secret, "cloudfront-viewer-address": "198.51.100.10:46532"}));
            both.verify(&mut event).unwrap();
            assert_eq!(event.request_context.http.source_ip.as_deref(), Some("198.51.100.10"));
            assert!(!event.headers.contains_key(SECRET));
        }
        for headers in [json!({}), json!({"x-origin-secret": "neu", "cloudfront-viewer-address": "198.51.100.10:46532"})] {
            let mut event = event(&headers);
            assert!(matches!(both.verify(&mut event), Err(Error::Forbidden)));
            assert_eq!(event.request_context.http.source_ip.as_deref(), Some("130.176.0.1"));
        }
    }

    #[test]
    fn addresses_of_both_versions_are_read() {
        for (text, expected) in [
            ("198.51.100.10:46532", Some("198.51.100.10")),
            ("2001:db8::8a2e:370:7334:46532", Some("2001:db8::8a2e:370:7334")),
            ("[2001:db8::1]:443", Some("2001:db8::1")),
            ("198.51.100.10", None),
            ("", None),
        ] {
            assert_eq!(address(text).map(|address| address.to_string()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn invalid_hashes_are_refused_at_startup() {
        assert!(cloudfront("").unwrap().is_none());
        assert!(cloudfront("secret").is_err());
        assert!(cloudfront(&"G".repeat(64)).is_err());
    }
}
