//! The response to a request.

use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use http::HeaderMap;
use serde_json::{Value, json};

use crate::{body_of, read_json};

/// A response of the HTTP API.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, including `Set-Cookie`.
    pub headers: HeaderMap,
    /// The body as JSON, or null if there is none.
    pub body: Value,
}

impl From<ApiGatewayV2httpResponse> for Answer {
    fn from(answer: ApiGatewayV2httpResponse) -> Self {
        let body = body_of(&answer);
        let mut headers = answer.headers;
        for cookie in answer.cookies {
            headers.append("set-cookie", cookie.parse().expect("a cookie is a header value"));
        }
        Self { status: u16::try_from(answer.status_code).expect("a status"), headers, body }
    }
}

impl Answer {
    /// Creates a response with this text as its body.
    pub fn new(status: u16, headers: HeaderMap, body: &str) -> Self {
        Self { status, headers, body: read_json(body).unwrap_or(Value::Null) }
    }

    /// The body, if the response has this status.
    ///
    /// # Panics
    /// If the response has another status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// The body of an error response with this status and code. It must be a problem document.
    ///
    /// # Panics
    /// If the response is not such an error.
    #[track_caller]
    pub fn expect_error(self, status: u16, code: &str) -> Value {
        assert_eq!((self.status, self.code()), (status, code), "{}", self.body);
        assert_eq!(self.header("content-type"), "application/problem+json");
        for member in ["type", "title", "status", "detail", "code", "requestId"] {
            assert!(!self.body[member].is_null(), "no {member} in {}", self.body);
        }
        assert_eq!(self.body["status"], json!(status));
        assert_eq!(status == 401, self.headers.contains_key("www-authenticate"));
        self.body
    }

    /// An error's code, or an empty text if there is none.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// The pointers of an error's field errors.
    pub fn pointers(&self) -> Vec<&str> {
        self.body["errors"].as_array().into_iter().flatten().filter_map(|error| error["pointer"].as_str()).collect()
    }

    /// A header's value, or an empty text if it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The entity tag, or an empty text if it is absent.
    pub fn etag(&self) -> &str {
        self.header("etag")
    }

    /// Whether the response repeats the response to an earlier request with the same idempotency key.
    pub fn is_replay(&self) -> bool {
        self.header("idempotent-replayed") == "true"
    }

    /// The values of `Set-Cookie`.
    pub fn cookies(&self) -> Vec<&str> {
        self.headers.get_all("set-cookie").iter().filter_map(|cookie| cookie.to_str().ok()).collect()
    }
}
