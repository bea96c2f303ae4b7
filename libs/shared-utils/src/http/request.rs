//! A request, read from the raw API Gateway v2 event.

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Method};

/// A request in the form that routes use.
#[derive(Debug)]
pub struct Request {
    /// The method, from the request context. The event's own field defaults to GET.
    pub method: Method,
    /// The segments of the path, without the stage. The gateway has decoded them.
    pub segments: Vec<String>,
    /// The decoded query parameters, in order, with duplicates.
    pub query: Vec<(String, String)>,
    /// The headers with lower-case names, as the gateway sends them.
    pub headers: HeaderMap,
    /// The cookies, each as `name=value`.
    pub cookies: Vec<String>,
    /// The body as bytes, or `None` if its base64 is not valid.
    pub body: Option<Vec<u8>>,
    /// The IP address of the TCP peer that the gateway saw. `X-Forwarded-For` is never read.
    pub source_ip: String,
    /// The gateway's id of this request.
    pub request_id: String,
}

impl Request {
    /// Reads the event. This cannot fail: missing values are empty.
    pub fn read(event: ApiGatewayV2httpRequest) -> Self {
        let context = event.request_context;
        let path = event.raw_path.or(context.http.path).unwrap_or_default();
        let path = match context.stage.as_deref() {
            Some(stage) if stage != "$default" => {
                path.strip_prefix('/').and_then(|rest| rest.strip_prefix(stage)).filter(|rest| rest.starts_with('/')).unwrap_or(&path)
            }
            _ => &path,
        };
        let cookies = match event.cookies {
            Some(cookies) if !cookies.is_empty() => cookies,
            // Some gateways leave the cookies in the headers.
            _ => event
                .headers
                .get_all(http::header::COOKIE)
                .iter()
                // Other cookies may contain any bytes.
                .flat_map(|value| String::from_utf8_lossy(value.as_bytes()).split(';').map(|cookie| cookie.trim().to_owned()).collect::<Vec<_>>())
                .collect(),
        };
        let body = match event.body {
            None => Some(Vec::new()),
            Some(body) if event.is_base64_encoded => STANDARD.decode(body).ok(),
            Some(body) => Some(body.into_bytes()),
        };
        Self {
            method: context.http.method,
            segments: path.strip_prefix('/').unwrap_or(path).split('/').map(str::to_owned).collect(),
            query: form_urlencoded::parse(event.raw_query_string.unwrap_or_default().as_bytes()).into_owned().collect(),
            headers: event.headers,
            cookies,
            body,
            source_ip: context.http.source_ip.unwrap_or_default(),
            request_id: context.request_id.unwrap_or_default(),
        }
    }

    /// A cookie's value.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.iter().find_map(|cookie| cookie.strip_prefix(name)?.strip_prefix('='))
    }

    /// The user agent without control characters, cut to 200 characters.
    pub fn user_agent(&self) -> String {
        let agent = self.headers.get("user-agent").map(|value| String::from_utf8_lossy(value.as_bytes()));
        agent.unwrap_or_default().chars().filter(|character| !character.is_control()).take(200).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(event: serde_json::Value) -> Request {
        Request::read(serde_json::from_value(event).unwrap())
    }

    #[test]
    fn the_method_comes_from_the_context() {
        let request = read(json!({"rawPath": "/projects", "headers": {}, "requestContext": {"http": {"method": "PATCH"}, "timeEpoch": 1}}));
        assert_eq!(request.method, Method::PATCH);
    }

    #[test]
    fn the_stage_is_cut_and_nothing_is_decoded_twice() {
        let context = json!({"stage": "v1", "timeEpoch": 1, "http": {"method": "GET"}});
        let request = read(json!({"rawPath": "/v1/messages/👍/a%2Fb", "headers": {}, "requestContext": context}));
        assert_eq!(request.segments, ["messages", "👍", "a%2Fb"]);
    }

    #[test]
    fn base64_is_decoded_and_broken_base64_is_no_body() {
        let event = |body: &str| json!({"body": body, "isBase64Encoded": true, "headers": {}, "requestContext": {"timeEpoch": 1, "http": {"method": "POST"}}});
        assert_eq!(read(event("e30=")).body.unwrap(), b"{}");
        assert!(read(event("***")).body.is_none());
    }
}
