use std::path::Path;
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use url::Url;

use super::{Exchange, ProbeClient, ProbeClientOptions, Request};
use crate::history::event::Trouble;

/// Accepts with a certificate for `localhost` nobody knows, given as PEM.
pub(crate) fn acceptor() -> (TlsAcceptor, String) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), cert.pem())
}

/// Serves TLS; returns the URL and the certificate as PEM.
pub(super) async fn serve() -> (Url, String) {
    let (acceptor, pem) = acceptor();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        // A client that does not trust us ends the handshake.
        let Ok(mut stream) = acceptor.accept(stream).await else {
            return;
        };
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        stream.write_all(answer).await.unwrap();
        stream.flush().await.unwrap();
    });
    (
        Url::parse(&format!("https://localhost:{port}/")).unwrap(),
        pem,
    )
}

async fn probe(url: Url, extra_ca: Option<&Path>, insecure: bool) -> Exchange {
    let client = ProbeClient::new(ProbeClientOptions {
        extra_ca: extra_ca.map(Path::to_owned),
        insecure,
        ..ProbeClientOptions::default()
    });
    client.unwrap().send(Request::get(url)).await
}

#[tokio::test]
async fn an_unknown_certificate_is_refused() {
    let (url, _) = serve().await;
    let failure = probe(url, None, false).await.outcome.unwrap_err();
    assert_eq!(failure.trouble, Trouble::Tls, "{}", failure.message);
    assert!(
        failure.message.contains("tls with localhost:"),
        "{}",
        failure.message
    );
}

#[tokio::test]
async fn a_given_ca_is_trusted() {
    let (url, pem) = serve().await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ca.pem");
    std::fs::write(&path, pem).unwrap();
    assert_eq!(probe(url, Some(&path), false).await.status(), Some(200));
}

#[tokio::test]
async fn without_checks_any_certificate_will_do() {
    let (url, _) = serve().await;
    assert_eq!(probe(url, None, true).await.status(), Some(200));
}
