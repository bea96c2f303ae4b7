//! Events in exactly the form that API Gateway sends.

use std::collections::BTreeMap;
use std::net::IpAddr;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, Method, Uri};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use shared_utils::clock::Timestamp;
use shared_utils::random;

use crate::clock::StackClock;

/// The AWS account id of the local stack.
pub(crate) const ACCOUNT: &str = "000000000000";
/// The id of the HTTP API.
pub(crate) const HTTP_API_ID: &str = "localhttp0";
/// The id of the WebSocket API.
pub(crate) const WEBSOCKET_API_ID: &str = "localws000";
/// The WebSocket API's stage.
pub(crate) const WEBSOCKET_STAGE: &str = "local";

/// An id in the form of API Gateway: fifteen characters and an equals sign.
pub fn gateway_id() -> String {
    URL_SAFE.encode(random::bytes::<11>())
}

/// A time in the form `09/Mar/2025:11:00:00 +0000`.
fn common_log_time(now: Timestamp) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = now.to_string();
    let month = text.get(5..7).and_then(|month| month.parse::<usize>().ok()).and_then(|month| MONTHS.get(month.wrapping_sub(1))).unwrap_or(&"Jan");
    format!("{}/{month}/{}:{} +0000", &text[8..10], &text[..4], &text[11..19])
}

/// A request to the HTTP API.
pub struct HttpRequest<'a> {
    /// The route key in `stack.yaml`.
    pub route_key: &'a str,
    /// The part of the path that matches `{proxy+}`.
    pub proxy: Option<String>,
    /// The method.
    pub method: &'a Method,
    /// The path and the query, as sent.
    pub uri: &'a Uri,
    /// The headers as sent.
    pub headers: &'a HeaderMap,
    /// The body.
    pub body: &'a Bytes,
    /// The client's IP address.
    pub peer: IpAddr,
    /// The gateway's time.
    pub now: Timestamp,
    /// The gateway's id of the request.
    pub request_id: &'a str,
}

/// The values of a header, joined with commas as in API Gateway.
fn joined(headers: &HeaderMap, name: &HeaderName) -> String {
    let values: Vec<_> = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect();
    values.join(",")
}

/// A header's value as text, or an empty text.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Whether a body of this content type is passed as text.
fn is_text(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.starts_with("text/")
        || essence.ends_with("+json")
        || essence.ends_with("+xml")
        || ["application/json", "application/xml", "application/javascript"].contains(&essence.as_str())
}

/// `rawPath` as HTTP APIs send it, against its name: decoded, and cut at a `?` that was encoded.
pub(crate) fn raw_path(uri: &Uri) -> String {
    let mut path = percent_decode_str(uri.path()).decode_utf8_lossy().into_owned();
    path.truncate(path.find('?').unwrap_or(path.len()));
    path
}

/// The event of a request, in payload format 2.0.
pub fn http_event(request: &HttpRequest<'_>) -> Value {
    let now = request.now;
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for name in request.headers.keys().filter(|name| *name != "cookie") {
        headers.insert(name.as_str().to_owned(), joined(request.headers, name));
    }
    let host = text(request.headers, "host").to_owned();
    headers.insert("x-forwarded-for".to_owned(), request.peer.to_string());
    headers.insert("x-forwarded-proto".to_owned(), "http".to_owned());
    headers.insert("x-forwarded-port".to_owned(), host.rsplit(':').next().unwrap_or("80").to_owned());
    headers.insert("content-length".to_owned(), request.body.len().to_string());
    let path = raw_path(request.uri);
    let query = request.uri.query().unwrap_or_default();
    let mut event = json!({
        "version": "2.0",
        "routeKey": request.route_key,
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": HTTP_API_ID,
            "domainName": host,
            "domainPrefix": host.split(['.', ':']).next(),
            "http": {
                "method": request.method.as_str(),
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": request.peer.to_string(),
                "userAgent": text(request.headers, "user-agent"),
            },
            "requestId": request.request_id,
            "routeKey": request.route_key,
            "stage": "$default",
            "time": common_log_time(now),
            "timeEpoch": now.millis(),
        },
        "isBase64Encoded": false,
    });
    let cookies: Vec<String> = request
        .headers
        .get_all("cookie")
        .iter()
        // Other cookies may contain any bytes.
        .flat_map(|value| String::from_utf8_lossy(value.as_bytes()).split(';').map(|cookie| cookie.trim().to_owned()).collect::<Vec<_>>())
        .collect();
    if !cookies.is_empty() {
        event["cookies"] = json!(cookies);
    }
    let mut parameters: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        parameters.entry(name.into_owned()).and_modify(|known| *known = format!("{known},{value}")).or_insert_with(|| value.into_owned());
    }
    if !parameters.is_empty() {
        event["queryStringParameters"] = json!(parameters);
    }
    if let Some(proxy) = &request.proxy {
        event["pathParameters"] = json!({"proxy": proxy});
    }
    if !request.body.is_empty() {
        let as_text = std::str::from_utf8(request.body).ok().filter(|_| is_text(text(request.headers, "content-type")));
        event["isBase64Encoded"] = json!(as_text.is_none());
        event["body"] = as_text.map_or_else(|| json!(STANDARD.encode(request.body)), |text| json!(text));
    }
    event
}

/// The values of a connection that its events contain.
#[derive(Debug, Clone)]
pub struct SocketContext {
    /// The connection's id.
    pub connection_id: String,
    /// When the connection was opened.
    pub connected_at: Timestamp,
    /// The host in the request that opened the connection.
    pub host: String,
    /// The user agent that opened the connection.
    pub user_agent: String,
    /// The client's IP address.
    pub peer: IpAddr,
    /// The gateway's clock.
    pub clock: StackClock,
}

impl SocketContext {
    fn context(&self, route: &str, event_type: &str) -> Map<String, Value> {
        let now = self.clock.now();
        let context = json!({
            "routeKey": route,
            "eventType": event_type,
            "extendedRequestId": gateway_id(),
            "requestTime": common_log_time(now),
            "messageDirection": "IN",
            "stage": WEBSOCKET_STAGE,
            "connectedAt": self.connected_at.millis(),
            "requestTimeEpoch": now.millis(),
            "identity": {"sourceIp": self.peer.to_string(), "userAgent": self.user_agent},
            "requestId": gateway_id(),
            "domainName": self.host,
            "connectionId": self.connection_id,
            "apiId": WEBSOCKET_API_ID,
        });
        match context {
            Value::Object(context) => context,
            _ => Map::new(),
        }
    }

    /// The `$connect` event. Header names have the case that clients use.
    pub fn connect_event(&self, headers: &HeaderMap, query: &str) -> Value {
        let mut single = BTreeMap::new();
        let mut multi: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for name in headers.keys() {
            let values: Vec<String> = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect();
            let name = title_case(name.as_str());
            single.insert(name.clone(), values.last().cloned().unwrap_or_default());
            multi.insert(name, values);
        }
        let mut event = json!({
            "headers": single,
            "multiValueHeaders": multi,
            "requestContext": self.context("$connect", "CONNECT"),
            "isBase64Encoded": false,
        });
        let mut parameters: BTreeMap<String, String> = BTreeMap::new();
        let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            all.entry(name.to_string()).or_default().push(value.to_string());
            parameters.insert(name.into_owned(), value.into_owned());
        }
        if !parameters.is_empty() {
            event["queryStringParameters"] = json!(parameters);
            event["multiValueQueryStringParameters"] = json!(all);
        }
        event
    }

    /// The event of a frame from the client.
    pub fn message_event(&self, route: &str, body: &str) -> Value {
        let mut context = self.context(route, "MESSAGE");
        context.insert("messageId".to_owned(), json!(gateway_id()));
        json!({"requestContext": context, "body": body, "isBase64Encoded": false})
    }

    /// The `$disconnect` event.
    pub fn disconnect_event(&self, code: u16, reason: &str) -> Value {
        let mut context = self.context("$disconnect", "DISCONNECT");
        context.insert("disconnectStatusCode".to_owned(), json!(code));
        context.insert("disconnectReason".to_owned(), json!(reason));
        json!({"headers": {"Host": self.host}, "multiValueHeaders": {"Host": [self.host]}, "requestContext": context, "isBase64Encoded": false})
    }
}

/// Converts `sec-websocket-key` to `Sec-Websocket-Key`.
fn title_case(name: &str) -> String {
    name.split('-').map(|part| part[..1.min(part.len())].to_uppercase() + part.get(1..).unwrap_or_default()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayWebsocketProxyRequest};

    use super::*;

    #[test]
    fn aws_lambda_events_reads_our_events() {
        let mut headers = HeaderMap::new();
        headers.append("x-a", "1".parse().unwrap());
        headers.append("x-a", "2".parse().unwrap());
        headers.append("cookie", "a=1; b=2".parse().unwrap());
        headers.append("content-type", "application/json".parse().unwrap());
        let uri: Uri = "/projects/a%20b?q=1&q=2".parse().unwrap();
        let body = Bytes::from_static(b"{}");
        let request = HttpRequest {
            route_key: "ANY /projects/{proxy+}",
            proxy: Some("a b".to_owned()),
            method: &Method::PATCH,
            uri: &uri,
            headers: &headers,
            body: &body,
            peer: IpAddr::from([127, 0, 0, 1]),
            now: Timestamp::from_millis(1),
            request_id: "id",
        };
        let event: ApiGatewayV2httpRequest = serde_json::from_value(http_event(&request)).unwrap();
        assert_eq!(event.headers["x-a"], "1,2");
        assert_eq!(event.cookies.unwrap(), ["a=1", "b=2"]);
        assert!(!event.headers.contains_key("cookie"));
        assert_eq!((event.body.as_deref(), event.is_base64_encoded), (Some("{}"), false));
        assert_eq!(event.query_string_parameters.all("q"), Some(vec!["1", "2"]), "joined by a comma, which the struct takes apart");

        let socket = SocketContext {
            connection_id: gateway_id(),
            connected_at: Timestamp::from_millis(1),
            host: "localhost".to_owned(),
            user_agent: String::new(),
            peer: IpAddr::from([127, 0, 0, 1]),
            clock: StackClock::default(),
        };
        for event in
            [socket.connect_event(&headers, "token=a&token=b"), socket.message_event("sendMessage", "{}"), socket.disconnect_event(1000, "bye")]
        {
            let event: ApiGatewayWebsocketProxyRequest = serde_json::from_value(event).unwrap();
            assert_eq!(event.request_context.connection_id.as_ref().map(String::len), Some(16));
        }
    }
}
