//! A function trusts only the root certificates in the layer.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics, in its helpers too")]

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use shared_utils::aws::AwsConfig;
use shared_utils::env::Environment;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Starts a server with a certificate of this authority, and returns its address. It responds to every request like `DynamoDB` without tables.
async fn database(authority: &Authority) -> String {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, authority).unwrap();
    let private_key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private_key)
        .unwrap();
    let (acceptor, listener) = (TlsAcceptor::from(Arc::new(config)), TcpListener::bind(("127.0.0.1", 0)).await.unwrap());
    let address = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // A client that does not trust the certificate ends the handshake.
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let body = r#"{"TableNames":[]}"#;
                let head = "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\nconnection: close";
                let _ = stream.write_all(format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    address
}

/// Whether a function whose layer has these roots can call the database at `endpoint`.
async fn can_call(endpoint: &str, roots: &str) -> bool {
    let layer = tempfile::tempdir().unwrap();
    std::fs::write(layer.path().join("aws-roots.pem"), roots).unwrap();
    let variables = [
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_ENDPOINT_URL_DYNAMODB", endpoint),
        ("SHARED_UTILS_DIR", layer.path().to_str().unwrap()),
    ];
    let env = Environment::of(variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    AwsConfig::from_env(&env).unwrap().dynamodb().list_tables().send().await.is_ok()
}

#[tokio::test]
async fn only_the_roots_of_the_layer_are_trusted() {
    let (ours, other) = (authority(), authority());
    let endpoint = database(&ours).await;
    assert!(can_call(&endpoint, &ours.pem()).await);
    assert!(!can_call(&endpoint, &other.pem()).await);
    assert!(!can_call(&endpoint, include_str!("../layer/aws-roots.pem")).await);
}
