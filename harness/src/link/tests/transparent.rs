//! Without a fault nobody can tell that the link is there.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use url::Url;

use super::support::*;
use crate::link::{LinkError, LinkOptions, LinkProxy};

#[tokio::test]
async fn bytes_pass_as_they_are_and_one_connection_stays_one() {
    let answer = "HTTP/1.1 402 pay Up\r\nx-ODD:  a \r\nX-odd: b\r\nTransfer-Encoding: chunked\r\n\r\n\
                  2;e=1\r\nab\r\n3\r\ncde\r\n0\r\nt: 1\r\n\r\n";
    let mut origin = Origin::start(|_, _| answer.as_bytes().to_vec()).await;
    let link = client_link(&origin);
    let mut caller = Caller::connect(&link).await;
    let requests = [
        "GET //a/%zz/..\\ b HTTP/1.1\r\nhOst: Shop.example\r\nX-A: 1\r\nx-a:2\r\n\r\n",
        "POST /p HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "POST /p HTTP/1.1\r\nHost: s\r\nContent-Length: 3\r\n\r\nabc",
    ];
    for request in requests {
        caller.send(request).await;
        assert_eq!(caller.read(answer.len()).await.unwrap(), answer);
        assert_eq!(origin.next().await, Seen::Request(request.to_owned()));
    }
    drop(caller);
    assert_eq!(origin.next().await, Seen::Ended);
}

#[tokio::test]
async fn a_facilitator_sees_its_own_authority_and_base_path() {
    let mut origin = Origin::ok().await;
    let upstream = origin.url.join("base/v2").unwrap();
    let link = LinkProxy::start(LinkOptions::server_facilitator(upstream)).unwrap();
    assert_eq!(link.url().path(), "/base/v2");
    let mut caller = Caller::connect(&link).await;
    caller
        .ask("GET /base/v2/supported HTTP/1.1\r\nhost: link\r\nA: b\r\n\r\n")
        .await
        .unwrap();
    let authority = format!("127.0.0.1:{}", origin.url.port().unwrap());
    let expected = format!("GET /base/v2/supported HTTP/1.1\r\nhost: {authority}\r\nA: b\r\n\r\n");
    assert_eq!(origin.request().await, expected);
}

#[tokio::test]
async fn an_answer_streams_and_so_does_a_request() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let link = LinkProxy::start(LinkOptions::client_server(url)).unwrap();
    let mut caller = Caller::connect(&link).await;
    let head = "POST /p HTTP/1.1\r\nContent-Length: 4\r\n\r\n";
    caller.send(&format!("{head}ab")).await;
    let (mut server, _) = listener.accept().await.unwrap();
    let mut part = vec![0; head.len() + 2];
    server.read_exact(&mut part).await.unwrap();
    caller.send("cd").await;
    server.read_exact(&mut part[..2]).await.unwrap();
    let first = "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n\r\none";
    server.write_all(first.as_bytes()).await.unwrap();
    assert_eq!(caller.read(first.len()).await.unwrap(), first);
    server.write_all(b"two").await.unwrap();
    drop(server);
    assert_eq!(caller.rest().await.unwrap(), "two");
}

#[tokio::test]
async fn a_caller_that_leaves_is_missed_by_the_server() {
    let mut origin = Origin::start(|_, _| Vec::new()).await;
    let link = client_link(&origin);
    let mut caller = Caller::connect(&link).await;
    caller.send(GET).await;
    origin.request().await;
    assert_eq!(link.open_exchanges(), 1);
    drop(caller);
    assert_eq!(origin.next().await, Seen::Ended);
}

#[tokio::test]
async fn a_server_that_hangs_up_ends_the_callers_connection() {
    let close = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx";
    let origin = Origin::start(|_, _| close.as_bytes().to_vec()).await;
    let link = client_link(&origin);
    let mut caller = Caller::connect(&link).await;
    caller.send(GET).await;
    assert_eq!(caller.rest().await.unwrap(), close);
}

#[tokio::test]
async fn an_early_answer_passes_while_the_request_still_comes() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let link = LinkProxy::start(LinkOptions::client_server(url)).unwrap();
    let mut caller = Caller::connect(&link).await;
    caller
        .send("POST /p HTTP/1.1\r\nContent-Length: 4000000\r\n\r\nab")
        .await;
    let (mut server, _) = listener.accept().await.unwrap();
    let early = "HTTP/1.1 402 Payment Required\r\nContent-Length: 2\r\n\r\nno";
    server.write_all(early.as_bytes()).await.unwrap();
    assert_eq!(caller.read(early.len()).await.unwrap(), early);
}

#[tokio::test]
async fn what_is_no_http_passes_both_ways() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let link = LinkProxy::start(LinkOptions::client_server(url)).unwrap();
    let mut caller = Caller::connect(&link).await;
    caller.send("HELO\r\n\r\nmore").await;
    let (mut server, _) = listener.accept().await.unwrap();
    let mut seen = [0; 12];
    server.read_exact(&mut seen).await.unwrap();
    assert_eq!(&seen, b"HELO\r\n\r\nmore");
    server.write_all(b"250").await.unwrap();
    drop(server);
    assert_eq!(caller.read(3).await.unwrap(), "250");
}

#[tokio::test]
async fn nobody_at_the_other_end_is_a_broken_connection_and_a_new_end_is_used() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}", gone.local_addr().unwrap())).unwrap();
    drop(gone);
    let link = LinkProxy::start(LinkOptions::client_server(url)).unwrap();
    let mut caller = Caller::connect(&link).await;
    caller.send(GET).await;
    assert!(caller.reset().await);
    let origin = Origin::ok().await;
    link.set_upstream(&origin.url).unwrap();
    let mut caller = Caller::connect(&link).await;
    assert!(caller.ask(GET).await.unwrap().ends_with("ok"));
    let secure = Url::parse("https://127.0.0.1/").unwrap();
    assert!(matches!(
        link.set_upstream(&secure),
        Err(LinkError::Upstream { .. })
    ));
    link.shutdown().await;
    let ended = caller.rest().await;
    assert!(ended.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionReset));
}
