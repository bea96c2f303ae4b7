//! A front with TLS for a server without, and a layer that trusts it.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// A running front.
pub(crate) struct TlsFront {
    /// `https://localhost:<port>`
    pub(crate) url: String,
    /// The folder of the layer whose root certificate is the front's.
    pub(crate) layer: tempfile::TempDir,
    server: JoinHandle<()>,
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl TlsFront {
    /// Passes connections on to this address, such as `127.0.0.1:8000`.
    pub(crate) async fn start(behind: &str) -> Result<Self, String> {
        let (config, root) = certificates().map_err(|error| error.to_string())?;
        let layer = tempfile::tempdir().map_err(|error| error.to_string())?;
        std::fs::write(layer.path().join("aws-roots.pem"), root).map_err(|error| error.to_string())?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(|error| error.to_string())?;
        let url = format!("https://localhost:{}", listener.local_addr().map_err(|error| error.to_string())?.port());
        let (acceptor, behind) = (TlsAcceptor::from(Arc::new(config)), behind.to_owned());
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, behind) = (acceptor.clone(), behind.clone());
                tokio::spawn(async move {
                    let Ok(mut client) = acceptor.accept(stream).await else { return };
                    let Ok(mut server) = TcpStream::connect(behind).await else { return };
                    // Otherwise small writes wait for the acknowledgement of those before.
                    if client.get_ref().0.set_nodelay(true).and_then(|()| server.set_nodelay(true)).is_err() {
                        return;
                    }
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                });
            }
        });
        Ok(Self { url, layer, server })
    }
}

/// The configuration of a server at `localhost`, and the root certificate of its certificate in PEM.
fn certificates() -> Result<(ServerConfig, String), Box<dyn std::error::Error>> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(vec!["localhost".to_owned()])?.signed_by(&key, &authority)?;
    let private_key = PrivateKeyDer::try_from(key.serialize_der())?;
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private_key)?;
    Ok((config, authority.pem()))
}
