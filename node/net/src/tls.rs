//! TLS 1.3 for libp2p (`/tls/1.0.0`) that prefers AES where the processor has it.
//!
//! The handshake is the one of the libp2p specification (tls/tls.md): self-signed certificates whose
//! extension binds them to a peer id, mutual authentication, ALPN `libp2p`. libp2p's own upgrade offers
//! ChaCha20 first, so that two of its nodes never use AES; with AES instructions AES-128-GCM moves about
//! a third more. This upgrade differs in the order of the cipher suites alone and talks to the stock one,
//! either side changed: certificates are made and checked by `libp2p::tls`. It also buffers what it reads.

use std::net::Ipv4Addr;
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::io::BufReader;
use futures::{AsyncRead, AsyncWrite, FutureExt};
use futures_rustls::{TlsAcceptor, TlsConnector, TlsStream};
use libp2p::PeerId;
use libp2p::core::UpgradeInfo;
use libp2p::core::upgrade::{InboundConnectionUpgrade, OutboundConnectionUpgrade};
use libp2p::identity::Keypair;
use libp2p::tls::certificate;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, IpAddr, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{
    CertificateError, CommonState, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme,
    SupportedCipherSuite,
};

const ALPN: &[u8] = b"libp2p";

/// Why a connection could not be secured.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The own certificate could not be made.
    #[error("cannot make a TLS certificate: {0}")]
    Certificate(#[from] certificate::GenError),
    /// TLS parameters that do not fit together.
    #[error("cannot set up TLS: {0}")]
    Setup(#[from] Error),
    /// The handshake failed.
    #[error("TLS handshake failed: {0}")]
    Handshake(#[from] std::io::Error),
    /// The remote certificate is not one of a libp2p peer.
    #[error("the peer's TLS certificate is not valid")]
    Remote,
}

/// The upgrade; used as `with_tcp(…, TlsConfig::new, …)`.
#[derive(Clone)]
pub struct TlsConfig {
    server: Arc<rustls::ServerConfig>,
    client: Arc<rustls::ClientConfig>,
}

impl TlsConfig {
    /// Makes a certificate for the identity and both sides' parameters.
    pub fn new(identity: &Keypair) -> Result<Self, TlsError> {
        let (certificate, key) = certificate::generate(identity)?;
        let provider = Arc::new(CryptoProvider { cipher_suites: suites(), ..ring::default_provider() });
        // Handed over as a resolver: rustls would check the certificate by the rules of the web, which do not
        // know its extension.
        let key = ring::sign::any_ecdsa_type(&key)?;
        let own = Arc::new(SingleCertAndKey::from(CertifiedKey::new(vec![certificate], key)));
        let verifier = Arc::new(Verifier(provider.clone()));
        let mut server = rustls::ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_client_cert_verifier(verifier.clone())
            .with_cert_resolver(own.clone());
        server.alpn_protocols = vec![ALPN.to_vec()];
        // Choose by our order: the stock client lists ChaCha20 first whatever its processor can do.
        server.ignore_client_order = true;
        let mut client = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_client_cert_resolver(own);
        client.alpn_protocols = vec![ALPN.to_vec()];
        // The specification forbids to send a server name.
        client.enable_sni = false;
        Ok(Self { server: server.into(), client: client.into() })
    }
}

/// The suites of TLS 1.3, the fastest one for this processor first.
fn suites() -> Vec<SupportedCipherSuite> {
    use ring::cipher_suite::*;
    if has_aes() {
        vec![TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384, TLS13_CHACHA20_POLY1305_SHA256]
    } else {
        vec![TLS13_CHACHA20_POLY1305_SHA256, TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384]
    }
}

fn has_aes() -> bool {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    return std::arch::is_x86_feature_detected!("aes") && std::arch::is_x86_feature_detected!("pclmulqdq");
    #[cfg(target_arch = "aarch64")]
    return std::arch::is_aarch64_feature_detected!("aes");
    #[cfg(not(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64")))]
    return false;
}

/// A secured connection with a buffer below TLS, which reads no more than 4 KiB at once. What is written has been
/// collected above (`muxer`).
pub(super) type Secured<C> = TlsStream<BufReader<C>>;

/// Bytes in the buffer: some TLS records.
const BUFFER: usize = 64 << 10;

fn buffered<C: AsyncRead>(socket: C) -> BufReader<C> {
    BufReader::with_capacity(BUFFER, socket)
}

impl UpgradeInfo for TlsConfig {
    type Info = &'static str;
    type InfoIter = std::iter::Once<Self::Info>;

    fn protocol_info(&self) -> Self::InfoIter {
        std::iter::once("/tls/1.0.0")
    }
}

impl<C: AsyncRead + AsyncWrite + Send + Unpin + 'static> InboundConnectionUpgrade<C> for TlsConfig {
    type Output = (PeerId, Secured<C>);
    type Error = TlsError;
    type Future = BoxFuture<'static, Result<Self::Output, Self::Error>>;

    fn upgrade_inbound(self, socket: C, _: Self::Info) -> Self::Future {
        async move {
            let stream = TlsAcceptor::from(self.server).accept(buffered(socket)).await?;
            let peer = remote_peer(stream.get_ref().1)?;
            tell(stream.get_ref().1, &peer);
            Ok((peer, stream.into()))
        }
        .boxed()
    }
}

impl<C: AsyncRead + AsyncWrite + Send + Unpin + 'static> OutboundConnectionUpgrade<C> for TlsConfig {
    type Output = (PeerId, Secured<C>);
    type Error = TlsError;
    type Future = BoxFuture<'static, Result<Self::Output, Self::Error>>;

    fn upgrade_outbound(self, socket: C, _: Self::Info) -> Self::Future {
        async move {
            // rustls wants a name; nothing is checked against it. The certificate says which peer answers,
            // and libp2p compares that peer id with the one it dialled.
            let name = ServerName::IpAddress(IpAddr::from(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED)));
            let stream = TlsConnector::from(self.client).connect(name, buffered(socket)).await?;
            let peer = remote_peer(stream.get_ref().1)?;
            tell(stream.get_ref().1, &peer);
            Ok((peer, stream.into()))
        }
        .boxed()
    }
}

/// Which ciphers both sides agreed on.
fn tell(state: &CommonState, peer: &PeerId) {
    let suite = state.negotiated_cipher_suite().map(|suite| suite.suite());
    tracing::debug!(%peer, ?suite, "secured by TLS");
}

fn remote_peer(state: &CommonState) -> Result<PeerId, TlsError> {
    // The specification: peers that did not agree on this ALPN are no libp2p peers.
    if state.alpn_protocol() != Some(ALPN) {
        return Err(TlsError::Remote);
    }
    let Some([certificate]) = state.peer_certificates() else { return Err(TlsError::Remote) };
    Ok(certificate::parse(certificate).map_err(|_| TlsError::Remote)?.peer_id())
}

/// Checks certificates by the libp2p specification: exactly one, self-signed, with a valid extension.
#[derive(Debug)]
struct Verifier(Arc<CryptoProvider>);

fn check(end_entity: &CertificateDer<'_>, intermediates: &[CertificateDer<'_>]) -> Result<(), Error> {
    if !intermediates.is_empty() {
        return Err(Error::General("libp2p TLS wants exactly one certificate".into()));
    }
    certificate::parse(end_entity)
        .map(|_| ())
        .map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))
}

fn check_signature(
    message: &[u8],
    cert: &CertificateDer<'_>,
    dss: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    certificate::parse(cert)
        .map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?
        .verify_signature(dss.scheme, message, dss.signature())
        .map_err(|_| Error::InvalidCertificate(CertificateError::BadSignature))?;
    Ok(HandshakeSignatureValid::assertion())
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        check(end_entity, intermediates).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("only TLS 1.3 is allowed".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        check_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

impl ClientCertVerifier for Verifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        check(end_entity, intermediates).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("only TLS 1.3 is allowed".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        check_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::CipherSuite;
    use tokio::io::duplex;
    use tokio_util::compat::TokioAsyncReadCompatExt;

    fn suite<C: AsyncRead + AsyncWrite>(stream: &Secured<C>) -> CipherSuite {
        stream.get_ref().1.negotiated_cipher_suite().expect("a finished handshake").suite()
    }

    #[tokio::test]
    async fn both_sides_learn_each_others_id_and_use_aes_if_there_is_aes() {
        let (one, two) = (Keypair::generate_ed25519(), Keypair::generate_ed25519());
        let (a, b) = duplex(4096);
        let server = TlsConfig::new(&one).unwrap().upgrade_inbound(a.compat(), "");
        let client = TlsConfig::new(&two).unwrap().upgrade_outbound(b.compat(), "");
        let (server, client) = tokio::try_join!(server, client).unwrap();
        assert_eq!(server.0, two.public().to_peer_id());
        assert_eq!(client.0, one.public().to_peer_id());
        assert_eq!(suite(&client.1) == CipherSuite::TLS13_AES_128_GCM_SHA256, has_aes());
    }

    #[tokio::test]
    async fn talks_to_the_stock_upgrade_on_either_side() {
        let (one, two) = (Keypair::generate_ed25519(), Keypair::generate_ed25519());
        let stock = |key| libp2p::tls::Config::new(key).unwrap();
        let (a, b) = duplex(4096);
        let server = async {
            TlsConfig::new(&one).unwrap().upgrade_inbound(a.compat(), "").await.map_err(|e| e.to_string())
        };
        let client = async { stock(&two).upgrade_outbound(b.compat(), "").await.map_err(|e| e.to_string()) };
        let (server, client) = tokio::try_join!(server, client).unwrap();
        assert_eq!((server.0, client.0), (two.public().to_peer_id(), one.public().to_peer_id()));
        let (a, b) = duplex(4096);
        let server = async { stock(&one).upgrade_inbound(a.compat(), "").await.map_err(|e| e.to_string()) };
        let client = async {
            TlsConfig::new(&two).unwrap().upgrade_outbound(b.compat(), "").await.map_err(|e| e.to_string())
        };
        let (server, client) = tokio::try_join!(server, client).unwrap();
        assert_eq!((server.0, client.0), (two.public().to_peer_id(), one.public().to_peer_id()));
    }
}
