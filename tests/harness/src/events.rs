//! Raw events: those that tests build, and those that another project has published.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use local_stack::clock::StackClock;
use local_stack::events::{HttpRequest, SocketContext, gateway_id, http_event};
use serde_json::Value;
use shared_utils::clock::{Clock, Timestamp};

/// A request that becomes a raw event.
#[derive(Debug, Clone)]
pub struct EventBuilder {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
    peer: IpAddr,
}

impl EventBuilder {
    /// A request without a body.
    ///
    /// # Panics
    /// If `uri` is not a URI.
    pub fn new(method: Method, uri: &str) -> Self {
        Self { method, uri: uri.parse().expect("a URI"), headers: HeaderMap::new(), body: Bytes::new(), peer: IpAddr::from([127, 0, 0, 1]) }
    }

    /// Adds a header.
    ///
    /// # Panics
    /// If the name or the value is not valid.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().expect("a header name");
        self.headers.append(name, HeaderValue::from_str(value).expect("a header value"));
        self
    }

    /// Sets the client's address.
    pub fn peer(mut self, peer: IpAddr) -> Self {
        self.peer = peer;
        self
    }

    /// Adds a bearer token.
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Sets a JSON body.
    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", &body.to_string())
    }

    /// Sets any body.
    pub fn body(self, content_type: &str, body: &str) -> Self {
        let mut request = self.header("content-type", content_type);
        request.body = Bytes::from(body.to_owned());
        request
    }

    /// The event, as any type that can read it.
    ///
    /// # Panics
    /// If the type cannot read it.
    pub fn event<T: serde::de::DeserializeOwned>(&self) -> T {
        let event = http_event(&HttpRequest {
            route_key: "$default",
            proxy: None,
            method: &self.method,
            uri: &self.uri,
            headers: &self.headers,
            body: &self.body,
            peer: self.peer,
            now: Clock::System.now(),
            request_id: &gateway_id(),
        });
        serde_json::from_value(event).expect("a readable event")
    }
}

/// The raw events of a connection.
pub struct SocketEvents(SocketContext);

impl Default for SocketEvents {
    fn default() -> Self {
        Self(SocketContext {
            clock: StackClock::default(),
            connection_id: gateway_id(),
            connected_at: Clock::System.now(),
            host: "localhost".to_owned(),
            user_agent: "test".to_owned(),
            peer: IpAddr::from([127, 0, 0, 1]),
        })
    }
}

impl SocketEvents {
    /// A connection that the gateway opened at this time.
    pub fn opened_at(connected_at: Timestamp) -> Self {
        let Self(context) = Self::default();
        Self(SocketContext { connected_at, ..context })
    }

    /// The connection's id.
    pub fn connection_id(&self) -> &str {
        &self.0.connection_id
    }

    /// The `$connect` event with this query and these headers.
    ///
    /// # Panics
    /// If a header is not valid, or the type cannot read the event.
    pub fn connect<T: serde::de::DeserializeOwned>(&self, query: &str, headers: &[(&str, &str)]) -> T {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name.parse::<HeaderName>().expect("a header name"), HeaderValue::from_str(value).expect("a header value"));
        }
        serde_json::from_value(self.0.connect_event(&map, query)).expect("a readable event")
    }

    /// The event of a frame on a route.
    ///
    /// # Panics
    /// If the type cannot read the event.
    pub fn message<T: serde::de::DeserializeOwned>(&self, route: &str, body: &str) -> T {
        serde_json::from_value(self.0.message_event(route, body)).expect("a readable event")
    }

    /// The `$disconnect` event.
    ///
    /// # Panics
    /// If the type cannot read the event.
    pub fn disconnect<T: serde::de::DeserializeOwned>(&self) -> T {
        serde_json::from_value(self.0.disconnect_event(1000, "")).expect("a readable event")
    }
}

/// The event files in the published `aws_lambda_events` crate whose names start with `prefix`. They are independent test inputs.
///
/// # Panics
/// If there are none.
pub fn published_events(prefix: &str) -> Vec<(String, Value)> {
    let read = |entry: std::fs::DirEntry| {
        let name = entry.file_name().into_string().ok().filter(|name| name.starts_with(prefix))?;
        Some((name, serde_json::from_slice(&std::fs::read(entry.path()).ok()?).ok()?))
    };
    let folder = source_of("aws_lambda_events").join("src/fixtures");
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let events: Vec<_> = entries.flatten().filter_map(read).collect();
    assert!(!events.is_empty(), "no published event is named {prefix}…");
    events
}

/// What cargo says of every package of this platform: only these were downloaded.
///
/// # Panics
/// If cargo fails.
pub fn cargo_metadata() -> Value {
    let run = |program: &str, arguments: &[&str]| {
        let program = std::env::var_os(program.to_uppercase()).unwrap_or_else(|| program.into());
        #[expect(clippy::disallowed_methods, reason = "the toolchain is no program of this repository")]
        let command = std::process::Command::new(program).args(arguments).current_dir(local_stack::declaration::repository()).output();
        let output = command.expect("the toolchain starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let version = String::from_utf8(run("rustc", &["-vV"])).expect("text");
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host");
    let metadata = run("cargo", &["metadata", "--format-version", "1", "--offline", "--locked", "--filter-platform", host]);
    serde_json::from_slice(&metadata).expect("JSON")
}

/// The folder in which Cargo keeps the sources of a dependency.
fn source_of(dependency: &str) -> PathBuf {
    let metadata = cargo_metadata();
    let packages = metadata["packages"].as_array().expect("packages");
    let package = packages.iter().find(|package| package["name"] == dependency).expect("a dependency");
    Path::new(package["manifest_path"].as_str().expect("a path")).parent().expect("a folder").to_owned()
}
