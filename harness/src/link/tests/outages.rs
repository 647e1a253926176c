//! Ways of not being there, and coming back.

use std::io;

use tokio::net::TcpStream;

use super::support::*;
use crate::link::{LinkError, LinkOptions, LinkProxy, Outage};

#[tokio::test]
async fn connections_are_refused_and_the_port_stays_ours() {
    let mut origin = Origin::ok().await;
    let link = client_link(&origin);
    let mut open = Caller::connect(&link).await;
    open.ask(GET).await.unwrap();
    link.set_outage(Some(Outage::Refused)).await.unwrap();
    assert!(open.reset().await, "whoever is away holds no connection");
    let refused = TcpStream::connect(link.addr()).await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    link.clear().await.unwrap();
    let mut caller = Caller::connect(&link).await;
    assert!(caller.ask(GET).await.unwrap().ends_with("ok"));
    assert_eq!(origin.waiting(), 2);
}

#[tokio::test]
async fn connections_are_reset_or_never_answered() {
    let mut origin = Origin::ok().await;
    let link = client_link(&origin);
    link.set_outage(Some(Outage::Reset)).await.unwrap();
    // The reset may come before or after the connection is seen as made.
    if let Ok(stream) = TcpStream::connect(link.addr()).await {
        let mut byte = [0];
        stream.readable().await.unwrap();
        assert!(stream.try_read(&mut byte).is_err());
    }
    link.set_outage(Some(Outage::Silent)).await.unwrap();
    let mut caller = Caller::connect(&link).await;
    caller.send(GET).await;
    link.set_outage(None).await.unwrap();
    assert!(caller.reset().await, "silent until the end");
    assert_eq!(origin.waiting(), 0);
    let mut caller = Caller::connect(&link).await;
    assert!(caller.ask(GET).await.unwrap().ends_with("ok"));
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let origin = Origin::ok().await;
    let first = client_link(&origin);
    let options = LinkOptions {
        bind: first.addr(),
        ..LinkOptions::client_server(origin.url.clone())
    };
    let error = LinkProxy::start(options).unwrap_err();
    assert!(
        matches!(error, LinkError::Bind { addr, .. } if addr == first.addr()),
        "{error}"
    );
}
