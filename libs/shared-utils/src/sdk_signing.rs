//! Signature Version 4 for the requests of the SDK clients, with the signing key kept for a day.
//!
//! The SDK's own signer derives the key and builds general structures for each request: about 220,000 instructions. Ours signs what these clients send:
//! a body in memory and no query. The key is derived by `aws-sigv4`. A test compares the signatures with those of `aws-sigv4`.

use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::sign::v4::generate_signing_key;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::{AuthScheme, AuthSchemeEndpointConfig, AuthSchemeId, SharedAuthScheme, Sign};
use aws_smithy_runtime_api::client::identity::{Identity, SharedIdentityResolver};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::{GetIdentityResolver, RuntimeComponents};
use aws_smithy_types::config_bag::ConfigBag;
use jiff::tz::TimeZone;
use ring::digest::{SHA256, digest};
use ring::hmac;

/// The scheme that the SDK's operations name.
const SIGV4: AuthSchemeId = AuthSchemeId::new("sigv4");
const DAY_SECONDS: u64 = 86_400;

/// A scheme that replaces the SDK's, for one service.
pub fn scheme(region: &str, service: &'static str) -> SharedAuthScheme {
    SharedAuthScheme::new(Scheme(Signer { region: region.to_owned(), service, key: Mutex::default() }))
}

#[derive(Debug)]
struct Scheme(Signer);

impl AuthScheme for Scheme {
    fn scheme_id(&self) -> AuthSchemeId {
        SIGV4
    }

    fn identity_resolver(&self, resolvers: &dyn GetIdentityResolver) -> Option<SharedIdentityResolver> {
        resolvers.identity_resolver(SIGV4)
    }

    fn signer(&self) -> &dyn Sign {
        &self.0
    }
}

struct Signer {
    region: String,
    service: &'static str,
    key: Mutex<Option<SigningKey>>,
}

/// The signing key of a day.
struct SigningKey {
    /// Days since the Unix epoch.
    day: u64,
    access_key_id: String,
    key: hmac::Key,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a signer of {}", self.service)
    }
}

impl Sign for Signer {
    fn sign_http_request(
        &self,
        request: &mut HttpRequest,
        identity: &Identity,
        _: AuthSchemeEndpointConfig<'_>,
        components: &RuntimeComponents,
        _: &ConfigBag,
    ) -> Result<(), BoxError> {
        let credentials = identity.data::<Credentials>().ok_or("these are no credentials")?;
        self.sign(request, credentials, components.time_source().ok_or("there is no clock")?.now())
    }
}

impl Signer {
    /// Adds `x-amz-date`, `x-amz-security-token` and `authorization`.
    fn sign(&self, request: &mut HttpRequest, credentials: &Credentials, now: SystemTime) -> Result<(), BoxError> {
        let time = basic_format(now)?;
        let headers = request.headers_mut();
        headers.try_insert("x-amz-date", time.clone())?;
        if let Some(token) = credentials.session_token() {
            headers.try_insert("x-amz-security-token", token.to_owned())?;
        }
        let (canonical, names) = canonical_request(request)?;
        let scope = format!("{}/{}/{}/aws4_request", &time[..8], self.region, self.service);
        let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex(digest(&SHA256, canonical.as_bytes()).as_ref()));
        let signature = self.with_key(credentials, now, |key| hex(hmac::sign(key, text.as_bytes()).as_ref()))?;
        let id = credentials.access_key_id();
        let authorization = format!("AWS4-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}");
        request.headers_mut().try_insert("authorization", authorization)?;
        Ok(())
    }

    fn with_key(&self, credentials: &Credentials, now: SystemTime, sign: impl FnOnce(&hmac::Key) -> String) -> Result<String, BoxError> {
        let (day, id) = (now.duration_since(SystemTime::UNIX_EPOCH)?.as_secs() / DAY_SECONDS, credentials.access_key_id());
        let mut kept = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        let key = match kept.take() {
            Some(key) if key.day == day && key.access_key_id == id => key,
            _ => {
                let key = generate_signing_key(credentials.secret_access_key(), now, &self.region, self.service);
                SigningKey { day, access_key_id: id.to_owned(), key: hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()) }
            }
        };
        Ok(sign(&kept.insert(key).key))
    }
}

/// The canonical form of a request, and the names of the headers in it.
fn canonical_request(request: &HttpRequest) -> Result<(String, String), BoxError> {
    let (_, rest) = request.uri().split_once("://").ok_or("the URL has no scheme")?;
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if path.contains(['?', '#']) {
        return Err("requests with a query are not signed here".into());
    }
    let body = request.body().bytes().ok_or("the body is not in memory")?;
    let signed = |name: &str| name.starts_with("x-amz-") || name == "content-type";
    let mut headers: Vec<(&str, &str)> = request.headers().iter().filter(|(name, _)| signed(name)).collect();
    headers.push(("host", host));
    headers.sort_unstable();
    let mut canonical = String::with_capacity(2_048);
    canonical.push_str(request.method());
    canonical.push('\n');
    push_path(&mut canonical, path)?;
    canonical.push_str("\n\n");
    let mut names = String::with_capacity(128);
    for (name, value) in headers {
        for part in [name, ":", value.trim(), "\n"] {
            canonical.push_str(part);
        }
        if !names.is_empty() {
            names.push(';');
        }
        names.push_str(name);
    }
    for part in ["\n", &names, "\n", &hex(digest(&SHA256, body).as_ref())] {
        canonical.push_str(part);
    }
    Ok((canonical, names))
}

/// Appends a path, encoded once more than it is sent, as every service but S3 expects.
fn push_path(canonical: &mut String, path: &str) -> std::fmt::Result {
    if path.is_empty() {
        canonical.push('/');
    }
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
            canonical.push(char::from(byte));
        } else {
            write!(canonical, "%{byte:02X}")?;
        }
    }
    Ok(())
}

/// A time such as `20261129T143000Z`.
fn basic_format(now: SystemTime) -> Result<String, BoxError> {
    let seconds = i64::try_from(now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs())?;
    let time = TimeZone::UTC.to_datetime(jiff::Timestamp::from_second(seconds)?);
    let mut text = String::with_capacity(16);
    write!(text, "{:04}{:02}{:02}T{:02}{:02}{:02}Z", time.year(), time.month(), time.day(), time.hour(), time.minute(), time.second())?;
    Ok(text)
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

#[cfg(test)]
mod tests {
    use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
    use aws_sigv4::sign::v4;
    use aws_smithy_types::body::SdkBody;
    use proptest::prelude::*;

    use super::*;

    fn request(url: &str, body: &str, headers: &[(&'static str, String)]) -> HttpRequest {
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method("POST").unwrap();
        request.set_uri(url).unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.clone());
        }
        request
    }

    /// What `aws-sigv4` makes of the same request.
    fn expected(url: &str, body: &str, headers: &[(&'static str, String)], credentials: &Credentials, now: SystemTime) -> String {
        let identity: Identity = credentials.clone().into();
        let parameters = v4::SigningParams::builder().identity(&identity).region("eu-central-1").name("dynamodb").time(now);
        let parameters = parameters.settings(SigningSettings::default()).build().unwrap().into();
        let headers = headers.iter().map(|(name, value)| (*name, value.as_str()));
        let signable = SignableRequest::new("POST", url, headers, SignableBody::Bytes(body.as_bytes())).unwrap();
        let (instructions, _) = sign(signable, &parameters).unwrap().into_parts();
        let (headers, _) = instructions.into_parts();
        headers.into_iter().find(|header| header.name() == "authorization").unwrap().value().to_owned()
    }

    proptest! {
        #[test]
        fn signatures_are_those_of_aws_sigv4(
            path in "(/[a-zA-Z0-9@._~%=-]{1,20}){0,3}",
            body in "[ -~]{0,300}",
            target in "[a-zA-Z0-9_.]{1,40}",
            token in proptest::option::of("[A-Za-z0-9/+=]{1,200}"),
            seconds in 0u64..4_000_000_000,
        ) {
            // `.` and `..` are segments that no client here sends.
            prop_assume!(!path.split('/').any(|segment| segment == "." || segment == ".."));
            let signer = Signer { region: "eu-central-1".to_owned(), service: "dynamodb", key: Mutex::default() };
            let credentials = Credentials::new("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG", token, None, "test");
            let url = format!("https://dynamodb.eu-central-1.amazonaws.com{path}");
            let headers = [("content-type", "application/x-amz-json-1.0".to_owned()), ("x-amz-target", target)];
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            for now in [now, now, now + Duration::from_secs(DAY_SECONDS)] {
                let mut ours = request(&url, &body, &headers);
                signer.sign(&mut ours, &credentials, now).unwrap();
                prop_assert_eq!(ours.headers().get("authorization").unwrap(), expected(&url, &body, &headers, &credentials, now));
            }
        }
    }

    #[test]
    fn another_key_id_has_another_signing_key() {
        let signer = Signer { region: "eu-central-1".to_owned(), service: "dynamodb", key: Mutex::default() };
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(500_000);
        for id in ["A", "B"] {
            let credentials = Credentials::new(id, format!("secret of {id}"), None, None, "test");
            let mut ours = request("https://h.test/", "{}", &[]);
            signer.sign(&mut ours, &credentials, now).unwrap();
            assert_eq!(ours.headers().get("authorization").unwrap(), expected("https://h.test/", "{}", &[], &credentials, now));
        }
    }
}
