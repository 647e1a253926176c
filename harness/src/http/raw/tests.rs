use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use url::Url;

use super::RawClient;
use crate::history::event::Trouble;
use crate::http::{
    Exchange, Failure, ProbeClient, ProbeClientOptions, Request, Response, tls_tests,
};

/// Longer than any of these takes on a busy machine.
const LONG: Duration = Duration::from_secs(30);

/// Serves one connection with `script` after its head; hands back the head's bytes.
async fn serve<F, Fut>(script: F) -> (Url, JoinHandle<Vec<u8>>)
where
    F: FnOnce(TcpStream) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/paid", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        script(stream).await;
        head
    });
    (Url::parse(&url).unwrap(), task)
}

async fn serve_bytes(bytes: Vec<u8>) -> (Url, JoinHandle<Vec<u8>>) {
    serve(|mut stream| async move {
        // The client may hang up first when it has seen enough.
        let _ = stream.write_all(&bytes).await;
        let _ = stream.shutdown().await;
    })
    .await
}

async fn send(request: Request, timeout: Duration) -> Exchange {
    let options = ProbeClientOptions {
        timeout,
        ..ProbeClientOptions::default()
    };
    RawClient::new(options).unwrap().send(request).await
}

async fn get(bytes: impl Into<Vec<u8>>) -> Exchange {
    let (url, _server) = serve_bytes(bytes.into()).await;
    send(Request::get(url), LONG).await
}

async fn body(bytes: &str) -> String {
    let response: Response = get(bytes).await.outcome.unwrap();
    response.text().into_owned()
}

async fn failed(bytes: impl Into<Vec<u8>>) -> Failure {
    get(bytes).await.outcome.unwrap_err()
}

#[tokio::test]
async fn every_byte_of_target_and_headers_arrives_as_it_was_given() {
    for target in [
        "//paid",
        "/paid\\",
        "/a%2Fb/%252F/%0A",
        "/%zz/%",
        "/x/../paid",
        "http://elsewhere.example/paid",
        "/PAID;x=1?q=%20",
        "/a b",
        "/caf\u{e9}",
    ] {
        let (url, server) = serve_bytes(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()).await;
        let host = format!("127.0.0.1:{}", url.port().unwrap());
        let request = Request::get(url)
            .with_target(target)
            .with_header("X-PAYMENT", "first")
            .with_header("x-Payment", "second");
        // Through the usual client, as the runner sends it.
        let client = ProbeClient::new(ProbeClientOptions::default()).unwrap();
        let exchange = client.send(request).await;
        assert_eq!(exchange.status(), Some(204), "{target}");
        assert_eq!(exchange.request.path_and_query(), target);
        let head = String::from_utf8(server.await.unwrap()).unwrap();
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            head,
            format!(
                "GET {target} HTTP/1.1\r\nHost: {host}\r\nX-PAYMENT: first\r\nx-Payment: second\r\n\
                 User-Agent: x402-assay/{version}\r\nAccept: */*\r\nConnection: close\r\n\r\n"
            )
        );
    }
}

#[tokio::test]
async fn a_body_and_an_oversized_header_leave_whole() {
    let (url, server) = serve(|mut stream| async move {
        let mut body = [0; 5];
        stream.read_exact(&mut body).await.unwrap();
        assert_eq!(&body, b"{\"q\":");
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            .await;
    })
    .await;
    let request = Request::new(http::Method::POST, url)
        .with_header("X-Large", "a".repeat(200_000))
        .with_body("{\"q\":");
    assert_eq!(send(request, LONG).await.status(), Some(200));
    let head = server.await.unwrap();
    assert!(head.len() > 200_000);
    assert!(
        String::from_utf8(head)
            .unwrap()
            .contains("Content-Length: 5\r\n")
    );
}

#[tokio::test]
async fn bodies_of_every_framing_are_read() {
    assert_eq!(
        body("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").await,
        "hi"
    );
    assert_eq!(
        body("HTTP/1.0 200 OK\r\n\r\nuntil the end").await,
        "until the end"
    );
    assert_eq!(
        body("HTTP/1.1 402 Pay\r\n\r\nuntil the end").await,
        "until the end"
    );
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nhi\r\n3\r\n yo\r\n0\r\nT: 1\r\n\r\n";
    assert_eq!(body(chunked).await, "hi yo");
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n!";
    assert_eq!(body(interim).await, "!");
    let response = get("HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n").await;
    assert_eq!(response.status(), Some(204));
}

#[tokio::test]
async fn headers_keep_their_bytes_and_their_duplicates() {
    let bytes = b"HTTP/1.1 402 Pay\r\nx-a: caf\xe9\r\nX-A: two\r\ncontent-length: 0\r\n\r\n";
    let response = get(*bytes).await.outcome.unwrap();
    let values: Vec<&[u8]> = response.headers.all("x-a").collect();
    assert_eq!(values, [&b"caf\xe9"[..], b"two"]);
}

#[tokio::test]
async fn an_answer_that_stops_half_way_is_closed_and_kept() {
    for cut in [
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npartial",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n64\r\npartial",
    ] {
        let failure = failed(cut).await;
        assert_eq!(failure.trouble, Trouble::Closed, "{}", failure.message);
        assert!(failure.message.contains("in the middle of the body"));
        assert_eq!(failure.partial.unwrap().body, "partial");
    }
    for nothing in ["", "HTTP/1.1 200 OK\r\nconte"] {
        let failure = failed(nothing).await;
        assert_eq!(failure.trouble, Trouble::Closed, "{}", failure.message);
        assert!(failure.message.contains("before it answered"));
    }
}

#[tokio::test]
async fn a_reset_is_closed() {
    let (url, _server) = serve(|stream| async move {
        stream.set_zero_linger().unwrap();
        drop(stream);
    })
    .await;
    let failure = send(Request::get(url), LONG).await.outcome.unwrap_err();
    assert_eq!(failure.trouble, Trouble::Closed, "{}", failure.message);
}

#[tokio::test]
async fn what_is_no_http_is_malformed() {
    for garbage in [
        "SSH-2.0-OpenSSH_9.6\r\n\r\n",
        "<html>",
        "HTTP/1.1 two hundred\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nrest",
    ] {
        let failure = failed(garbage).await;
        assert_eq!(
            failure.trouble,
            Trouble::Malformed,
            "{garbage}: {}",
            failure.message
        );
        assert!(failure.message.contains("does not speak HTTP/1.1"));
    }
}

#[tokio::test]
async fn a_server_that_never_answers_or_never_ends_times_out() {
    for (begin, words, partial) in [
        ("", "no answer from 127.0.0.1:", None),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nbegin",
            "was not complete within",
            Some("begin"),
        ),
    ] {
        let (url, server) = serve(move |mut stream| async move {
            stream.write_all(begin.as_bytes()).await.unwrap();
            std::future::pending::<()>().await;
        })
        .await;
        let failure = send(Request::get(url), Duration::from_millis(500))
            .await
            .outcome
            .unwrap_err();
        server.abort();
        assert_eq!(failure.trouble, Trouble::TimedOut);
        assert!(failure.message.contains(words), "{}", failure.message);
        let kept = failure.partial.map(|partial| partial.text().into_owned());
        assert_eq!(kept.as_deref(), partial);
    }
}

#[tokio::test]
async fn a_giant_head_is_too_large() {
    let mut bytes = b"HTTP/1.1 402 Pay\r\nx: ".to_vec();
    bytes.resize(bytes.len() + (1 << 20), b'A');
    let failure = failed(bytes).await;
    assert_eq!(failure.trouble, Trouble::TooLarge, "{}", failure.message);
    let interim = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n".repeat(20_000);
    assert_eq!(failed(interim).await.trouble, Trouble::TooLarge);
}

#[tokio::test]
async fn a_large_body_is_kept_in_part_and_an_endless_one_cut_off() {
    let mut bytes = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    bytes.resize(bytes.len() + (5 << 20), b'B');
    let response = get(bytes).await.outcome.unwrap();
    assert_eq!(
        (response.body.len(), response.truncated_from),
        (1 << 20, Some(5 << 20))
    );
    assert!(!response.cut_off);
    let (url, server) = serve(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        while stream.write_all(&[b'C'; 65536]).await.is_ok() {}
    })
    .await;
    let response = send(Request::get(url), LONG).await.outcome.unwrap();
    assert!(response.cut_off);
    // Only a client that hung up lets the server come to its end.
    server.await.unwrap();
}

#[tokio::test]
async fn an_answer_given_before_the_request_was_read_counts() {
    let (url, _server) = serve(|mut stream| async move {
        stream
            .write_all(b"HTTP/1.1 431 Too Large\r\ncontent-length: 0\r\n\r\n")
            .await
            .unwrap();
        // The rest of the request stays unread.
        std::future::pending::<()>().await;
    })
    .await;
    let request = Request::get(url).with_body(vec![b'x'; 32 << 20]);
    assert_eq!(send(request, LONG).await.status(), Some(431));
}

#[tokio::test]
async fn a_closed_port_is_refused_and_an_unknown_name_unresolved() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    for (url, trouble) in [
        (url.as_str(), Trouble::Refused),
        ("http://no-such-host.invalid/", Trouble::Unresolved),
    ] {
        let request = Request::get(Url::parse(url).unwrap());
        let failure = send(request, LONG).await.outcome.unwrap_err();
        assert_eq!(failure.trouble, trouble, "{}", failure.message);
    }
}

#[tokio::test]
async fn tls_is_checked_like_everywhere_else() {
    let (url, pem) = tls_tests::serve().await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ca.pem");
    std::fs::write(&path, pem).unwrap();
    let trusting = ProbeClientOptions {
        extra_ca: Some(path),
        ..ProbeClientOptions::default()
    };
    let client = RawClient::new(trusting).unwrap();
    let request = Request::get(url).with_target("//a%2F");
    assert_eq!(client.send(request).await.outcome.unwrap().body, "ok");

    let (url, _) = tls_tests::serve().await;
    let insecure = ProbeClientOptions {
        insecure: true,
        ..ProbeClientOptions::default()
    };
    let client = RawClient::new(insecure).unwrap();
    assert_eq!(client.send(Request::get(url)).await.status(), Some(200));

    let (url, _) = tls_tests::serve().await;
    let failure = send(Request::get(url), LONG).await.outcome.unwrap_err();
    assert_eq!(failure.trouble, Trouble::Tls, "{}", failure.message);
    assert!(failure.message.contains("tls with localhost:"));
}

#[tokio::test]
async fn a_kept_connection_carries_several_requests_until_the_server_ends_it() {
    let (url, server) = serve(|mut stream| async move {
        let ok = b"HTTP/1.1 402 Payment Required\r\nContent-Length: 2\r\n\r\nno";
        stream.write_all(ok).await.unwrap();
        let mut second = Vec::new();
        while !second.ends_with(b"\r\n\r\n") {
            second.push(stream.read_u8().await.unwrap());
        }
        assert!(second.starts_with(b"GET /paid HTTP/1.1"));
        let end = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        stream.write_all(end).await.unwrap();
    })
    .await;
    let client = ProbeClient::new(ProbeClientOptions::default()).unwrap();
    let mut connection = client.keep();
    let first = connection.send(Request::get(url.clone())).await;
    assert_eq!(first.status(), Some(402));
    assert_eq!(
        connection.send(Request::get(url.clone())).await.status(),
        Some(200)
    );
    // It was announced that nothing follows, and no second connection stands in.
    let third = connection.send(Request::get(url)).await;
    assert_eq!(third.outcome.unwrap_err().trouble, Trouble::Closed);
    let head = String::from_utf8(server.await.unwrap()).unwrap();
    assert!(head.contains("\r\nConnection: keep-alive\r\n"), "{head}");
}

#[tokio::test]
async fn an_expected_body_waits_until_the_server_wants_it() {
    let (url, server) = serve(|mut stream| async move {
        let mut byte = [0; 1];
        // Nothing of the body came with the head: there is nothing to read yet.
        let early = stream.try_read(&mut byte).map_err(|error| error.kind());
        assert_eq!(early, Err(std::io::ErrorKind::WouldBlock));
        let _ = stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await;
        let mut body = [0; 4];
        stream.read_exact(&mut body).await.unwrap();
        assert_eq!(&body, b"body");
        let _ = stream
            .write_all(b"HTTP/1.1 402 No\r\nContent-Length: 0\r\n\r\n")
            .await;
    })
    .await;
    let request = Request::new(http::Method::POST, url.clone())
        .with_header("Expect", "100-continue")
        .with_body("body");
    assert_eq!(send(request, LONG).await.status(), Some(402));
    server.await.unwrap();
}
