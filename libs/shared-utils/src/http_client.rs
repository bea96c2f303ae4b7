//! The HTTP client of all calls to AWS: HTTP/1.1 over TCP or TLS, with one connection pool.
//!
//! It replaces the SDK's own client, which brings HTTP/2: a tenth of a package, and no service that is called here gains by it.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::connection::{CaptureSmithyConnection, ConnectionMetadata};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::ErrorKind;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::{self, CaptureConnection, capture_connection};
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::crypto::ring::default_provider;
use rustls::{ClientConfig, RootCertStore};

use crate::event_context::{Counter, count};

/// The maximum time to open a TCP connection.
const CONNECT_TIME: Duration = Duration::from_secs(1);

/// The client. Clones share the connections.
#[derive(Debug, Clone)]
pub struct AwsHttpClient(Client<HttpsConnector<connect::HttpConnector>, SdkBody>);

impl AwsHttpClient {
    /// A client that trusts these roots. Without any, it reaches plain HTTP only.
    ///
    /// # Panics
    /// Never: the provider has the default protocol versions.
    pub fn new(roots: RootCertStore) -> Self {
        let versions = ClientConfig::builder_with_provider(Arc::new(default_provider())).with_safe_default_protocol_versions();
        let tls = versions.expect("the provider has the default versions").with_root_certificates(roots).with_no_client_auth();
        let mut tcp = connect::HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIME));
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(tcp);
        Self(Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector))
    }

    /// The client as SDK clients take it.
    pub fn shared(&self) -> SharedHttpClient {
        SharedHttpClient::new(self.clone())
    }
}

impl HttpClient for AwsHttpClient {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for AwsHttpClient {
    /// Sends a request, and counts it: repetitions of the SDK too.
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        count(Counter::Calls, 1);
        let mut request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into()))),
        };
        let captured = capture_connection(&mut request);
        if let Some(capture) = request.extensions().get::<CaptureSmithyConnection>() {
            capture.set_connection_retriever(move || connection(captured.clone()));
        }
        let response = self.0.request(request);
        HttpConnectorFuture::new(async move {
            let response = response.await.map_err(connector_error)?;
            HttpResponse::try_from(response.map(SdkBody::from_body_1_x)).map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// The connection of a request. The SDK poisons it where a response did not come: it is not used again.
fn connection(captured: CaptureConnection) -> Option<ConnectionMetadata> {
    captured.connection_metadata().as_ref()?;
    let poison = move || {
        if let Some(connected) = captured.connection_metadata().as_ref() {
            connected.poison();
        }
    };
    Some(ConnectionMetadata::builder().proxied(false).poison_fn(poison).build())
}

/// Tells the SDK which errors may be repeated.
fn connector_error(error: legacy::Error) -> ConnectorError {
    let is_connect = error.is_connect();
    let hyper = source::<hyper::Error>(&error);
    let is_user = hyper.is_some_and(hyper::Error::is_user);
    let is_timeout = hyper.is_some_and(hyper::Error::is_timeout);
    // The server closed the connection before it answered.
    let is_incomplete = hyper.is_some_and(hyper::Error::is_incomplete_message);
    let is_io = is_connect || hyper.is_some_and(|error| error.is_closed() || error.is_canceled()) || source::<std::io::Error>(&error).is_some();
    match error.into() {
        error if is_user => ConnectorError::user(error),
        error if is_timeout => ConnectorError::timeout(error),
        error if is_incomplete => ConnectorError::other(error, Some(ErrorKind::TransientError)),
        error if is_io => ConnectorError::io(error),
        error => ConnectorError::other(error, None),
    }
}

/// The first error of this type among an error and its sources.
fn source<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    std::iter::successors(Some(error), |&error| error.source()).find_map(|error| error.downcast_ref())
}
