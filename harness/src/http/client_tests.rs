use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use url::Url;

use super::{Exchange, Failure, ProbeClient, ProbeClientOptions, Request, Response};
use crate::history::event::Trouble;

/// Serves one connection with `script`, after reading the request's head.
async fn serve<F, Fut>(script: F) -> (Url, JoinHandle<String>)
where
    F: FnOnce(TcpStream) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/paid?a=1", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        script(stream).await;
        String::from_utf8(head).unwrap()
    });
    (Url::parse(&url).unwrap(), task)
}

/// Serves these bytes and closes.
async fn serve_bytes(bytes: Vec<u8>) -> (Url, JoinHandle<String>) {
    serve(|mut stream| async move {
        // The client may close first when it has seen enough.
        let _ = stream.write_all(&bytes).await;
        let _ = stream.shutdown().await;
    })
    .await
}

async fn probe(url: &Url, timeout: Duration) -> Exchange {
    let client = ProbeClient::new(ProbeClientOptions {
        timeout,
        ..ProbeClientOptions::default()
    });
    client.unwrap().send(Request::get(url.clone())).await
}

async fn get(bytes: impl Into<Vec<u8>>) -> Exchange {
    let (url, _server) = serve_bytes(bytes.into()).await;
    probe(&url, Duration::from_secs(20)).await
}

fn failed(exchange: Exchange) -> Failure {
    exchange.outcome.expect_err("the exchange should fail")
}

fn answered(exchange: Exchange) -> Response {
    exchange.outcome.expect("the exchange should succeed")
}

#[tokio::test]
async fn a_request_is_plain_and_says_who_we_are() {
    let (url, server) =
        serve_bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi".to_vec()).await;
    let exchange = probe(&url, Duration::from_secs(20)).await;
    assert!(exchange.total_us >= exchange.headers_us && exchange.started_at_us > 0);
    assert_eq!(answered(exchange).body, "hi");
    let head = server.await.unwrap();
    assert!(head.starts_with("GET /paid?a=1 HTTP/1.1\r\n"), "{head}");
    let version = env!("CARGO_PKG_VERSION");
    assert!(
        head.contains(&format!("user-agent: x402-assay/{version}\r\n")),
        "{head}"
    );
    assert!(
        head.contains("accept: */*\r\n") && !head.contains("accept-encoding"),
        "{head}"
    );
}

#[tokio::test]
async fn a_packed_body_stays_packed() {
    let bytes =
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\n\x1f\x8b\x08";
    let response = answered(get(*bytes).await);
    assert_eq!(response.body.as_ref(), b"\x1f\x8b\x08");
    assert_eq!(
        response.headers.text("content-encoding").as_deref(),
        Some("gzip")
    );
}

#[tokio::test]
async fn given_headers_replace_our_own_and_duplicates_stay() {
    let (url, server) = serve_bytes(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()).await;
    let request = Request::get(url)
        .with_header("User-Agent", "Mozilla/5.0")
        .with_header("X-A", "1")
        .with_header("X-A", "2");
    let client = ProbeClient::new(ProbeClientOptions::default()).unwrap();
    assert_eq!(client.send(request).await.status(), Some(204));
    let head = server.await.unwrap();
    assert!(
        head.contains("user-agent: Mozilla/5.0\r\n") && !head.contains("x402-assay"),
        "{head}"
    );
    assert!(head.contains("x-a: 1\r\nx-a: 2\r\n"), "{head}");
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let response =
        answered(get("HTTP/1.1 302 Found\r\nlocation: /login\r\ncontent-length: 0\r\n\r\n").await);
    assert_eq!(response.status, 302);
    assert_eq!(response.headers.text("Location").as_deref(), Some("/login"));
}

#[tokio::test]
async fn headers_keep_their_bytes_and_their_duplicates() {
    let bytes = b"HTTP/1.1 402 Payment Required\r\nx-a: caf\xe9\r\nx-b: 1\r\nX-A: two\r\ncontent-length: 0\r\n\r\n";
    let headers = answered(get(*bytes).await).headers;
    let values: Vec<&[u8]> = headers.all("X-a").collect();
    assert_eq!(values, [&b"caf\xe9"[..], b"two"]);
    assert_eq!(
        headers.lossy()[0],
        ("x-a".to_owned(), "caf\u{fffd}".to_owned())
    );
}

#[tokio::test]
async fn a_closed_port_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let url = Url::parse(&format!("http://{address}/")).unwrap();
    let failure = failed(probe(&url, Duration::from_secs(20)).await);
    assert_eq!(failure.trouble, Trouble::Refused);
    assert_eq!(
        failure.message,
        format!("connection refused at {address}: is the server running?")
    );
}

#[tokio::test]
async fn an_unknown_name_is_unresolved() {
    let url = Url::parse("http://no-such-host.invalid/").unwrap();
    let failure = failed(probe(&url, Duration::from_secs(20)).await);
    assert_eq!(failure.trouble, Trouble::Unresolved, "{}", failure.message);
    assert!(
        failure.message.contains("no-such-host.invalid:80"),
        "{}",
        failure.message
    );
}

#[tokio::test]
async fn a_server_that_never_answers_times_out() {
    let (url, server) = serve(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let failure = failed(probe(&url, Duration::from_millis(150)).await);
    server.abort();
    assert_eq!(failure.trouble, Trouble::TimedOut);
    assert!(
        failure.message.starts_with("no answer from 127.0.0.1:"),
        "{}",
        failure.message
    );
    assert!(failure.partial.is_none());
}

#[tokio::test]
async fn a_body_that_never_ends_times_out_and_keeps_what_came() {
    let (url, server) = serve(|mut stream| async move {
        let start = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbegin";
        stream.write_all(start).await.unwrap();
        std::future::pending::<()>().await;
    })
    .await;
    let failure = failed(probe(&url, Duration::from_millis(300)).await);
    server.abort();
    assert_eq!(failure.trouble, Trouble::TimedOut, "{}", failure.message);
    let partial = failure.partial.expect("status and headers had arrived");
    assert_eq!((partial.status, &partial.body[..]), (200, &b"begin"[..]));
}

#[tokio::test]
async fn a_reset_in_the_middle_of_the_body_is_closed() {
    let failure = failed(get("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npartial").await);
    assert_eq!(failure.trouble, Trouble::Closed);
    assert!(
        failure.message.contains("in the middle of the body"),
        "{}",
        failure.message
    );
    assert_eq!(failure.partial.unwrap().body, "partial");
}

#[tokio::test]
async fn a_connection_closed_before_the_answer_is_closed() {
    let failure = failed(get("").await);
    assert_eq!(failure.trouble, Trouble::Closed, "{}", failure.message);
    assert!(
        failure.message.contains("before it answered"),
        "{}",
        failure.message
    );
}

#[tokio::test]
async fn a_giant_header_is_too_large() {
    let mut bytes = b"HTTP/1.1 402 Payment Required\r\npayment-required: ".to_vec();
    bytes.resize(bytes.len() + (5 << 20), b'A');
    bytes.extend_from_slice(b"\r\ncontent-length: 0\r\n\r\n");
    let failure = failed(get(bytes).await);
    assert_eq!(failure.trouble, Trouble::TooLarge, "{}", failure.message);
    assert!(
        failure.message.contains("headers of 127.0.0.1:"),
        "{}",
        failure.message
    );
}

#[tokio::test]
async fn a_large_body_is_counted_and_kept_in_part() {
    let mut bytes = b"HTTP/1.1 402 Payment Required\r\n\r\n".to_vec();
    bytes.resize(bytes.len() + (5 << 20), b'B');
    let response = answered(get(bytes).await);
    assert_eq!((response.status, response.body.len()), (402, 1 << 20));
    assert_eq!(response.truncated_from, Some(5 << 20));
    assert!(!response.cut_off);
}

#[tokio::test]
async fn an_endless_body_is_cut_off() {
    let (url, server) = serve(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        while stream.write_all(&[b'C'; 65536]).await.is_ok() {}
    })
    .await;
    let response = answered(probe(&url, Duration::from_secs(30)).await);
    assert!(response.cut_off);
    assert!(response.truncated_from.unwrap() > 8 << 20);
    assert_eq!(response.body.len(), 1 << 20);
    // Only a client that hung up lets the server come to its end.
    server.await.unwrap();
}

#[tokio::test]
async fn what_is_no_http_is_malformed() {
    for garbage in [
        "SSH-2.0-OpenSSH_9.6\r\n\r\n",
        "HTTP/1.1 two hundred\r\n\r\n",
    ] {
        let failure = failed(get(garbage).await);
        assert_eq!(failure.trouble, Trouble::Malformed, "{}", failure.message);
        assert!(
            failure.message.contains("does not speak HTTP"),
            "{}",
            failure.message
        );
    }
}

#[tokio::test]
async fn tls_against_a_plain_server_is_a_tls_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    });
    let failure = failed(probe(&Url::parse(&url).unwrap(), Duration::from_secs(20)).await);
    assert_eq!(failure.trouble, Trouble::Tls, "{}", failure.message);
}

#[tokio::test]
async fn a_header_that_cannot_be_sent_is_said() {
    let request =
        Request::get(Url::parse("http://127.0.0.1:1/").unwrap()).with_header("x", "a\r\nb");
    let client = ProbeClient::new(ProbeClientOptions::default()).unwrap();
    let failure = failed(client.send(request).await);
    assert!(
        failure.message.contains("value of header x"),
        "{}",
        failure.message
    );
}

#[test]
fn a_bad_ca_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ca.pem");
    let make = || {
        ProbeClient::new(ProbeClientOptions {
            extra_ca: Some(path.clone()),
            ..ProbeClientOptions::default()
        })
    };
    assert!(make().unwrap_err().to_string().contains("ca.pem"));
    std::fs::write(&path, "no certificate").unwrap();
    let message = make().unwrap_err().to_string();
    assert!(
        message.contains("the file holds no certificate"),
        "{message}"
    );
}
