//! Who may call from a browser: exact origins from `ALLOWED_ORIGINS`, headers from the shared layer's policy file.

use http::HeaderValue;
use serde::Deserialize;

use super::Response;
use crate::aws;
use crate::env::{self, EnvError};

/// The policy that serves where there is no layer: the very file that the layer carries.
const BUILT_IN: &str = include_str!("../../layer/cors.json");

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PolicyFile {
    allow_headers: Vec<String>,
    expose_headers: Vec<String>,
    max_age_seconds: u32,
}

/// One entry of `ALLOWED_ORIGINS`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum AllowedOrigin {
    /// This very origin.
    Exact(String),
    /// `https://` and one label before this suffix, which starts with a dot.
    Subdomain(String),
}

/// Which origins may call, and what they are told.
#[derive(Debug)]
pub struct CorsPolicy {
    origins: Vec<AllowedOrigin>,
    allow_headers: String,
    expose_headers: String,
    max_age: String,
}

impl CorsPolicy {
    /// Reads `ALLOWED_ORIGINS` and the layer's `cors.json`.
    pub fn from_env() -> Result<Self, EnvError> {
        let origins = env::required("ALLOWED_ORIGINS")?;
        let file = std::fs::read_to_string(format!("{}/cors.json", aws::layer_dir()?));
        Self::new(&origins, file.as_deref().unwrap_or(BUILT_IN))
    }

    /// A policy for a comma-separated list of origins, with the built-in headers.
    pub fn built_in(origins: &str) -> Result<Self, EnvError> {
        Self::new(origins, BUILT_IN)
    }

    fn new(origins: &str, policy: &str) -> Result<Self, EnvError> {
        let file: PolicyFile = serde_json::from_str(policy).map_err(|error| EnvError::unusable("SHARED_UTILS_DIR", error))?;
        Ok(Self {
            origins: origins.split(',').map(|entry| allowed_origin(entry.trim())).collect::<Result<_, _>>()?,
            allow_headers: file.allow_headers.join(", "),
            expose_headers: file.expose_headers.join(", "),
            max_age: file.max_age_seconds.to_string(),
        })
    }

    /// Whether this origin is listed. `null` never is.
    pub fn allows(&self, origin: &str) -> bool {
        self.origins.iter().any(|allowed| match allowed {
            AllowedOrigin::Exact(exact) => exact == origin,
            AllowedOrigin::Subdomain(suffix) => {
                origin.strip_prefix("https://").and_then(|host| host.strip_suffix(suffix.as_str())).is_some_and(|label| {
                    !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
                })
            }
        })
    }

    /// Puts the CORS headers of an ordinary answer on it: none but `Vary` for an origin that is not listed.
    pub(crate) fn apply(&self, response: Response, origin: Option<&str>) -> Response {
        let response = response.with_header("vary", "Origin");
        let Some(origin) = origin.filter(|origin| self.allows(origin)).and_then(|origin| HeaderValue::from_str(origin).ok()) else {
            return response;
        };
        response
            .with_header("access-control-allow-origin", origin)
            .with_header("access-control-allow-credentials", "true")
            .with_header("access-control-expose-headers", self.expose_headers.as_str())
    }

    /// The answer to a preflight: the methods that this path really has.
    pub(crate) fn preflight(&self, origin: Option<&str>, methods: &str) -> Response {
        let response = self.apply(Response::empty(204), origin);
        if !response.headers.contains_key("access-control-allow-origin") {
            return response;
        }
        response
            .with_header("access-control-allow-methods", methods)
            .with_header("access-control-allow-headers", self.allow_headers.as_str())
            .with_header("access-control-max-age", self.max_age.as_str())
    }
}

/// Reads one entry: `scheme://host[:port]`, or `https://*.domain` for one level of subdomain.
fn allowed_origin(entry: &str) -> Result<AllowedOrigin, EnvError> {
    let unusable = |reason: &str| EnvError::unusable("ALLOWED_ORIGINS", format!("{entry:?} {reason}"));
    let (scheme, host) = entry.split_once("://").ok_or_else(|| unusable("has no scheme"))?;
    if !matches!(scheme, "http" | "https") || host.is_empty() || host.contains(['/', '?', '#', '@', ' ']) {
        return Err(unusable("is not an origin (scheme, host, port)"));
    }
    match host.strip_prefix("*.") {
        Some(_) if scheme != "https" => Err(unusable("has a wildcard without https")),
        Some(domain) if !domain.contains('.') || domain.contains('*') => Err(unusable("has a wildcard that is too wide")),
        Some(domain) => Ok(AllowedOrigin::Subdomain(format!(".{domain}"))),
        None if host.contains('*') => Err(unusable("has a wildcard that is not its first label")),
        None => Ok(AllowedOrigin::Exact(entry.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_origins_pass() {
        let policy = CorsPolicy::built_in("https://app.mylg.studio, http://localhost:5173,https://*.preview.mylg.studio").unwrap();
        for listed in ["https://app.mylg.studio", "http://localhost:5173", "https://pr-7.preview.mylg.studio"] {
            assert!(policy.allows(listed), "{listed}");
        }
        for other in [
            "null",
            "",
            "http://app.mylg.studio",
            "https://app.mylg.studio:8443",
            "https://app.mylg.studio.evil.test",
            "http://localhost",
            "http://localhost:5174",
            "http://192.168.1.7:5173",
            "https://preview.mylg.studio",
            "https://.preview.mylg.studio",
            "https://a.b.preview.mylg.studio",
            "http://pr-7.preview.mylg.studio",
            "https://evil.test/.preview.mylg.studio",
            "https://pr-7.preview.mylg.studio:444",
            "https://x@y.preview.mylg.studio",
            "*",
        ] {
            assert!(!policy.allows(other), "{other}");
        }
    }

    #[test]
    fn entries_that_are_no_origins_are_refused() {
        for bad in
            ["", "*", "app.mylg.studio", "https://app.mylg.studio/", "ftp://x", "http://*.mylg.studio", "https://*.studio", "https://a.*.studio"]
        {
            assert!(CorsPolicy::built_in(bad).is_err(), "{bad}");
        }
    }
}
