//! A response, and its conversion to the raw API Gateway v2 struct.

use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use aws_lambda_events::encodings::Body;
use http::{HeaderMap, HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Error, Request};

/// An HTTP response.
#[derive(Debug, Default)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// `Set-Cookie` values.
    pub cookies: Vec<String>,
    /// The body's text. 204 and 304 have none.
    pub body: Option<String>,
    /// The error code for the log, if this is an error response.
    pub(crate) code: Option<&'static str>,
}

/// An error (RFC 9457).
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Problem")]
pub struct ProblemDocument<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
    code: &'static str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<super::Fault<'a>>,
    /// Of a login that needs another step: the secret to present in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    challenge: Option<&'a str>,
    /// How long `challenge` is valid, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in: Option<u64>,
}

impl Response {
    /// A response with a JSON body.
    pub fn json(status: u16, body: &impl Serialize) -> Result<Self, Error> {
        let body = serde_json::to_string(body).map_err(Error::internal)?;
        Ok(Self::json_text(status, body))
    }

    /// A response whose body is already JSON text.
    pub fn json_text(status: u16, body: String) -> Self {
        Self { status, body: Some(body), ..Self::default() }.with_header("content-type", "application/json")
    }

    /// A response that leads to a URL: 200 with `body`, or, if the client prefers a minimal response (RFC 7240), 302 without a body.
    pub fn link(request: &Request, url: &str, body: &impl Serialize) -> Result<Self, Error> {
        let prefers = |value: &HeaderValue| value.to_str().is_ok_and(|value| value.split(',').any(|part| part.trim() == "return=minimal"));
        if request.headers.get_all("prefer").iter().any(prefers) {
            return Ok(Self::empty(302).with_header("location", url));
        }
        Self::json(200, body)
    }

    /// A response without a body.
    pub fn empty(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    /// The problem document of an error (RFC 9457).
    pub fn problem(error: &Error, request_id: &str) -> Self {
        let status = error.status();
        let title = http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Error");
        let document = ProblemDocument {
            r#type: "about:blank",
            title,
            status,
            detail: error.to_string(),
            code: error.code(),
            request_id,
            errors: error.faults(),
            challenge: error.challenge().map(|(challenge, _)| challenge),
            expires_in: error.challenge().map(|(_, seconds)| seconds),
        };
        // Serializing a struct of texts cannot fail.
        let body = serde_json::to_string(&document).unwrap_or_default();
        let response = Self { status, body: Some(body), code: Some(error.code()), ..Self::default() };
        let mut response = response.with_header("content-type", "application/problem+json");
        for (name, value) in error.headers() {
            response = response.with_header(name, value);
        }
        response
    }

    /// Sets a header. A value that is not valid in a header is left out.
    pub fn with_header(mut self, name: &'static str, value: impl TryInto<HeaderValue>) -> Self {
        if let Ok(value) = value.try_into() {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }

    /// Adds a cookie.
    pub fn with_cookie(mut self, cookie: String) -> Self {
        self.cookies.push(cookie);
        self
    }

    /// The raw struct that API Gateway takes.
    pub fn into_event(self) -> ApiGatewayV2httpResponse {
        let mut event = ApiGatewayV2httpResponse::default();
        event.status_code = i64::from(self.status);
        event.headers = self.headers;
        event.cookies = self.cookies;
        event.body = self.body.map(Body::Text);
        event
    }
}
