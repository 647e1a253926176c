//! TLS on the aws-lc-rs provider: the system's certificates, an extra CA, or no check at all.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_platform_verifier::Verifier;

use super::options::SetupError;

/// A client configuration; the plain one is made once, since reading the system's certificates is slow.
///
/// # Errors
/// When the CA file is unreadable or holds no certificate.
pub fn client_config(extra_ca: Option<&Path>, insecure: bool) -> Result<ClientConfig, SetupError> {
    static PLAIN: OnceLock<ClientConfig> = OnceLock::new();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    if insecure {
        return with_verifier(&provider, Arc::new(Unchecked(Arc::clone(&provider))));
    }
    if let Some(path) = extra_ca {
        let roots = read_certificates(path)?;
        let verifier =
            Verifier::new_with_extra_roots(roots, Arc::clone(&provider)).map_err(|error| {
                SetupError::BadCa {
                    path: path.to_owned(),
                    why: error.to_string(),
                }
            })?;
        return with_verifier(&provider, Arc::new(verifier));
    }
    if let Some(config) = PLAIN.get() {
        return Ok(config.clone());
    }
    let verifier: Arc<dyn ServerCertVerifier> = match Verifier::new(Arc::clone(&provider)) {
        Ok(verifier) => Arc::new(verifier),
        // A slim container has no certificates: plain http must work there all the same.
        Err(error) => Arc::new(NoRoots(Arc::clone(&provider), error.to_string())),
    };
    let config = with_verifier(&provider, verifier)?;
    Ok(PLAIN.get_or_init(|| config).clone())
}

fn with_verifier(
    provider: &Arc<CryptoProvider>,
    verifier: Arc<dyn ServerCertVerifier>,
) -> Result<ClientConfig, SetupError> {
    Ok(ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth())
}

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    let bad = |why: String| SetupError::BadCa {
        path: path.to_owned(),
        why,
    };
    let pem = std::fs::read(path).map_err(|source| SetupError::ReadCa {
        path: path.to_owned(),
        source,
    })?;
    let certificates = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| bad(error.to_string()))?;
    if certificates.is_empty() {
        return Err(bad("the file holds no certificate".to_owned()));
    }
    Ok(certificates)
}

/// Accepts every certificate, and still checks that the peer holds its key.
#[derive(Debug)]
struct Unchecked(Arc<CryptoProvider>);

/// Refuses every certificate, because there is nothing to check it against.
#[derive(Debug)]
struct NoRoots(Arc<CryptoProvider>, String);

macro_rules! signatures_by_provider {
    () => {
        fn verify_tls12_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            let algorithms = &self.0.signature_verification_algorithms;
            verify_tls12_signature(message, cert, dss, algorithms)
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
    };
}

impl ServerCertVerifier for Unchecked {
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

    signatures_by_provider!();
}

impl ServerCertVerifier for NoRoots {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Err(rustls::Error::General(format!(
            "{}; name the server's CA with `tls.ca`",
            self.1
        )))
    }

    signatures_by_provider!();
}
