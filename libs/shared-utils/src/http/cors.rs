//! The CORS policy: origins from `ALLOWED_ORIGINS`, headers from the layer's policy file.

use http::HeaderValue;
use serde::Deserialize;

use super::Response;
use crate::aws;
use crate::env::{EnvError, Environment};
use crate::origins::AllowedOrigins;

/// The policy if there is no layer: the same file that the layer contains.
const BUILT_IN: &str = include_str!("../../layer/cors.json");

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PolicyFile {
    allow_headers: Vec<String>,
    expose_headers: Vec<String>,
    max_age_seconds: u32,
}

/// The allowed origins, and the headers that they get.
#[derive(Debug)]
pub struct CorsPolicy {
    origins: AllowedOrigins,
    allow_headers: String,
    expose_headers: String,
    max_age: String,
}

impl CorsPolicy {
    /// Reads `ALLOWED_ORIGINS` and the layer's `cors.json`.
    pub fn from_env(env: &Environment) -> Result<Self, EnvError> {
        let origins = env.required("ALLOWED_ORIGINS")?;
        let file = std::fs::read_to_string(format!("{}/cors.json", aws::layer_dir(env)?));
        Self::new(&origins, file.as_deref().unwrap_or(BUILT_IN))
    }

    /// A policy for a comma-separated list of origins, with the built-in headers.
    pub fn built_in(origins: &str) -> Result<Self, EnvError> {
        Self::new(origins, BUILT_IN)
    }

    fn new(origins: &str, policy: &str) -> Result<Self, EnvError> {
        let file: PolicyFile = serde_json::from_str(policy).map_err(|error| EnvError::unusable("SHARED_UTILS_DIR", error))?;
        Ok(Self {
            origins: AllowedOrigins::parse(origins)?,
            allow_headers: file.allow_headers.join(", "),
            expose_headers: file.expose_headers.join(", "),
            max_age: file.max_age_seconds.to_string(),
        })
    }

    /// Whether this origin is listed. `null` and values that are not text never are.
    pub fn allows(&self, origin: &HeaderValue) -> bool {
        origin.to_str().is_ok_and(|origin| self.origins.contains(origin))
    }

    /// Adds the CORS headers to an ordinary response. For an origin that is not listed, it adds only `Vary`.
    pub(crate) fn apply(&self, response: Response, origin: Option<&HeaderValue>) -> Response {
        let response = response.with_header("vary", "Origin");
        let Some(origin) = origin.filter(|origin| self.allows(origin)) else { return response };
        response
            .with_header("access-control-allow-origin", origin.clone())
            .with_header("access-control-allow-credentials", "true")
            .with_header("access-control-expose-headers", self.expose_headers.as_str())
    }

    /// The response to a preflight, with the methods that this path has.
    pub(crate) fn preflight(&self, origin: Option<&HeaderValue>, methods: &str) -> Response {
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
