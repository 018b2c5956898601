//! What TLS is here for: to look like what firewalls let through. Certificates prove nothing that anybody relies on,
//! since each tunnel inside knows its peer by key; so they are made at the start and not verified.

use std::io;
use std::sync::Arc;

use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::version::TLS13;
use tokio_rustls::rustls::{
    self, ClientConfig, DigitallySignedStruct, ServerConfig, SignatureScheme,
};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::Error;

/// What browsers say and every middlebox expects.
const ALPN: &[u8] = b"http/1.1";
/// The name in the certificate; it tells nothing.
const NAME: &str = "localhost";

/// Both ends' settings.
#[derive(Clone)]
pub(super) struct Configs {
    pub(super) server: TlsAcceptor,
    pub(super) client: TlsConnector,
}

impl Configs {
    /// With a new certificate.
    pub(super) fn new() -> Result<Self, Error> {
        let provider = Arc::new(ring::default_provider());
        let wrong = |cause| Error::system("TLS for tunnels")(io::Error::other(cause));
        let server = server(provider.clone()).map_err(wrong)?;
        let client = client(provider).map_err(|error| wrong(error.into()))?;
        Ok(Self {
            server: TlsAcceptor::from(Arc::new(server)),
            client: TlsConnector::from(Arc::new(client)),
        })
    }
}

fn server(
    provider: Arc<CryptoProvider>,
) -> Result<ServerConfig, Box<dyn std::error::Error + Send + Sync>> {
    let own = rcgen::generate_simple_self_signed([NAME.to_owned()])?;
    let key = PrivateKeyDer::Pkcs8(own.signing_key.serialize_der().into());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])?
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(config)
}

fn client(provider: Arc<CryptoProvider>) -> Result<ClientConfig, rustls::Error> {
    let anybody = Arc::new(Anybody(provider.clone()));
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(anybody)
        .with_no_client_auth();
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(config)
}

/// Takes every certificate, a proxy's too that looks into TLS: it sees a tunnel's datagrams, as everybody on the way of
/// UDP does.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("only TLS 1.3 is offered".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
