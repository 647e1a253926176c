//! Exchanges over real sockets.

use std::net::Ipv4Addr;

use http::{HeaderMap, Method};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::http::tls::client_config;
use crate::http::tls_tests::acceptor;

const LONG: Duration = Duration::from_secs(60);
const DONE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A connection, and the other end of it.
async fn pair() -> (Connection, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let addr = listener.local_addr().unwrap();
    let peer = Peer { addr, tls: None };
    let (ours, theirs) = tokio::join!(Connection::open(&peer, LONG), listener.accept());
    (ours.unwrap(), theirs.unwrap().0)
}

fn get() -> Message {
    let target = "/".parse().unwrap();
    Template::new(&Method::GET, &target, &HeaderMap::new(), b"").unpaid()
}

/// A request that no socket takes at once.
fn huge() -> Message {
    let target = "/".parse().unwrap();
    let body = vec![b'x'; 32 << 20];
    Template::new(&Method::POST, &target, &HeaderMap::new(), &body).unpaid()
}

async fn until_closed(connection: &mut Connection) {
    while connection.is_open() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_connection_carries_one_exchange_after_the_other() {
    let (mut ours, mut theirs) = pair().await;
    for _ in 0..3 {
        assert!(ours.is_open());
        let serve = async {
            let mut request = [0; 100];
            let length = theirs.read(&mut request).await.unwrap();
            assert_eq!(&request[..length], b"GET / HTTP/1.1\r\n\r\n");
            theirs.write_all(DONE).await.unwrap();
        };
        let message = get();
        let (answer, ()) = tokio::join!(ours.exchange(&message, LONG), serve);
        let answer = answer.unwrap();
        assert_eq!((answer.status, &answer.body[..]), (200, &b"ok"[..]));
        assert!(answer.done_at >= answer.head_at);
    }
    drop(theirs);
    until_closed(&mut ours).await;
}

#[tokio::test]
async fn what_nobody_asked_for_ends_it() {
    // With the answer, and later.
    let (mut ours, mut theirs) = pair().await;
    theirs
        .write_all(&[DONE, b"HTTP/1.1"].concat())
        .await
        .unwrap();
    ours.exchange(&get(), LONG).await.unwrap();
    assert!(!ours.is_open());
    let (mut ours, mut theirs) = pair().await;
    theirs.write_all(DONE).await.unwrap();
    ours.exchange(&get(), LONG).await.unwrap();
    theirs.write_all(DONE).await.unwrap();
    until_closed(&mut ours).await;
}

#[tokio::test]
async fn an_answer_may_come_before_the_request_is_read() {
    let (mut ours, mut theirs) = pair().await;
    theirs
        .write_all(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n")
        .await
        .unwrap();
    let answer = ours.exchange(&huge(), LONG).await.unwrap();
    assert_eq!(answer.status, 413);
    // Half of the request is still to be sent: nothing else can be.
    assert!(!ours.is_open());
}

#[tokio::test]
async fn an_early_word_does_not_keep_the_request_back() {
    let (mut ours, mut theirs) = pair().await;
    let message = huge();
    let length = message.bytes().len();
    let serve = async {
        theirs
            .write_all(b"HTTP/1.1 103 Early\r\n\r\n")
            .await
            .unwrap();
        let mut request = vec![0; length];
        theirs.read_exact(&mut request).await.unwrap();
        theirs.write_all(DONE).await.unwrap();
    };
    let (answer, ()) = tokio::join!(ours.exchange(&message, LONG), serve);
    assert_eq!(answer.unwrap().status, 200);
    assert!(ours.is_open());
}

#[tokio::test]
async fn a_silent_target_times_out_and_a_cut_answer_is_a_reset() {
    let (mut ours, theirs) = pair().await;
    let failed = ours.exchange(&get(), Duration::from_millis(20)).await;
    let failed = failed.unwrap_err();
    assert_eq!((failed.why, failed.unsent), (Broken::TimedOut, false));
    assert!(!ours.is_open());
    drop(theirs);
    let (mut ours, mut theirs) = pair().await;
    theirs.write_all(&DONE[..20]).await.unwrap();
    let serve = async move {
        theirs.read_exact(&mut [0; 18]).await.unwrap();
    };
    let message = get();
    let (failed, ()) = tokio::join!(ours.exchange(&message, LONG), serve);
    let failed = failed.unwrap_err();
    assert_eq!((failed.why, failed.unsent), (Broken::Reset, false));
}

#[tokio::test]
async fn tls_carries_exchanges_too() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (acceptor, _) = acceptor();
    let config = client_config(None, true).unwrap();
    let peer = Peer {
        addr,
        tls: Some(tls(config, "localhost").unwrap()),
    };
    let accepting = async {
        let (stream, _) = listener.accept().await.unwrap();
        acceptor.accept(stream).await.unwrap()
    };
    let (ours, mut theirs) = tokio::join!(Connection::open(&peer, LONG), accepting);
    let mut ours = ours.unwrap();
    for message in [get(), huge(), get()] {
        // What TLS says for itself after the handshake is no word of the target's.
        assert!(ours.is_open());
        let length = message.bytes().len();
        let serve = async {
            theirs.read_exact(&mut vec![0; length]).await.unwrap();
            theirs.write_all(DONE).await.unwrap();
            theirs.flush().await.unwrap();
        };
        let (answer, ()) = tokio::join!(ours.exchange(&message, LONG), serve);
        assert_eq!(answer.unwrap().status, 200);
    }
    theirs.shutdown().await.unwrap();
    until_closed(&mut ours).await;
}

#[tokio::test]
async fn a_certificate_nobody_knows_is_trouble_with_tls() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (acceptor, _) = acceptor();
    let config = client_config(None, false).unwrap();
    let peer = Peer {
        addr,
        tls: Some(tls(config, "localhost").unwrap()),
    };
    let accepting = async {
        let (stream, _) = listener.accept().await.unwrap();
        // The client ends it.
        assert!(acceptor.accept(stream).await.is_err());
    };
    let (ours, ()) = tokio::join!(Connection::open(&peer, LONG), accepting);
    assert_eq!(ours.unwrap_err(), Broken::Tls);
}
