//! An origin, and a caller.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{Address, B256};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use url::Url;

use crate::link::{LinkEvent, LinkFault, LinkOptions, LinkProxy, LinkRule, LinkSelect};

/// Nothing in these tests takes this long.
pub(super) const LIMIT: Duration = Duration::from_secs(20);

/// What the origin does with a request.
pub(super) type Reply = Arc<dyn Fn(usize, &str) -> Vec<u8> + Send + Sync>;

/// A server that reports each request and each connection's end.
pub(super) struct Origin {
    pub(super) url: Url,
    pub(super) seen: mpsc::UnboundedReceiver<Seen>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Request(String),
    Ended,
}

impl Origin {
    pub(super) async fn start(
        reply: impl Fn(usize, &str) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let (sender, seen) = mpsc::unbounded_channel();
        let reply: Reply = Arc::new(reply);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, sender.clone(), Arc::clone(&reply)));
            }
        });
        let url = Url::parse(&url).unwrap();
        Self { url, seen }
    }

    /// One that answers `ok` to everything.
    pub(super) async fn ok() -> Self {
        Self::start(|_, _| ok("ok")).await
    }

    pub(super) async fn request(&mut self) -> String {
        loop {
            if let Seen::Request(request) = self.next().await {
                return request;
            }
        }
    }

    pub(super) async fn next(&mut self) -> Seen {
        tokio::time::timeout(LIMIT, self.seen.recv())
            .await
            .unwrap()
            .unwrap()
    }

    /// Requests reported and not yet taken.
    pub(super) fn waiting(&mut self) -> usize {
        let seen = std::iter::from_fn(|| self.seen.try_recv().ok());
        seen.filter(|seen| matches!(seen, Seen::Request(_))).count()
    }
}

pub(super) fn ok(body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// An empty reply leaves the caller waiting.
async fn serve(mut stream: TcpStream, seen: mpsc::UnboundedSender<Seen>, reply: Reply) {
    let mut buffer = Vec::new();
    let mut count = 0;
    loop {
        while let Some(end) = message_end(&buffer) {
            let request: Vec<u8> = buffer.drain(..end).collect();
            let request = String::from_utf8(request).unwrap();
            let answer = reply(count, &request);
            let _ = seen.send(Seen::Request(request));
            count += 1;
            if stream.write_all(&answer).await.is_err() {
                break;
            }
        }
        if !matches!(stream.read_buf(&mut buffer).await, Ok(1..)) {
            let _ = seen.send(Seen::Ended);
            return;
        }
    }
}

/// Where a message with a length, chunks or no body ends.
fn message_end(bytes: &[u8]) -> Option<usize> {
    let text = String::from_utf8_lossy(bytes);
    let head = text.find("\r\n\r\n")? + 4;
    let fields = text[..head].to_ascii_lowercase();
    if fields.contains("transfer-encoding: chunked") {
        return Some(head + text[head..].find("0\r\n\r\n")? + 5);
    }
    let length = fields.split("content-length: ").nth(1).map_or(0, |rest| {
        rest.split("\r\n").next().unwrap().trim().parse().unwrap()
    });
    (bytes.len() >= head + length).then_some(head + length)
}

/// A connection of a caller.
pub(super) struct Caller(TcpStream);

impl Caller {
    pub(super) async fn connect(link: &LinkProxy) -> Self {
        Self(TcpStream::connect(link.addr()).await.unwrap())
    }

    pub(super) async fn send(&mut self, request: &str) {
        self.0.write_all(request.as_bytes()).await.unwrap();
    }

    /// Bytes until there are `count`.
    pub(super) async fn read(&mut self, count: usize) -> io::Result<String> {
        let mut bytes = vec![0; count];
        let read = self.0.read_exact(&mut bytes);
        tokio::time::timeout(LIMIT, read).await.unwrap()?;
        Ok(String::from_utf8(bytes).unwrap())
    }

    /// Everything until the connection ends.
    pub(super) async fn rest(&mut self) -> io::Result<String> {
        let mut text = String::new();
        let read = self.0.read_to_string(&mut text);
        tokio::time::timeout(LIMIT, read).await.unwrap()?;
        Ok(text)
    }

    /// A whole exchange on this connection.
    pub(super) async fn ask(&mut self, request: &str) -> io::Result<String> {
        self.send(request).await;
        let mut bytes = Vec::new();
        while message_end(&bytes).is_none() {
            let read = self.0.read_buf(&mut bytes);
            if tokio::time::timeout(LIMIT, read).await.unwrap()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(String::from_utf8(bytes).unwrap())
    }

    pub(super) async fn reset(&mut self) -> bool {
        matches!(self.rest().await, Err(error) if error.kind() == io::ErrorKind::ConnectionReset)
    }
}

pub(super) const GET: &str = "GET /paid HTTP/1.1\r\nHost: shop\r\n\r\n";

pub(super) fn client_link(origin: &Origin) -> LinkProxy {
    LinkProxy::start(LinkOptions::client_server(origin.url.clone())).unwrap()
}

pub(super) fn facilitator_link(origin: &Origin) -> LinkProxy {
    LinkProxy::start(LinkOptions::server_facilitator(origin.url.clone())).unwrap()
}

/// A facilitator call about this payer and nonce.
pub(super) fn call(endpoint: &str, payer: Address, nonce: B256) -> String {
    let authorization = json!({
        "from": payer.to_string(), "to": Address::ZERO.to_string(), "value": "1",
        "validAfter": "0", "validBefore": "9", "nonce": nonce.to_string(),
    });
    let body = json!({
        "paymentPayload": {
            "x402Version": 2, "accepted": {}, "payload": { "signature": "0x", "authorization": authorization },
        },
        "paymentRequirements": {},
    })
    .to_string();
    let length = body.len();
    format!("POST /{endpoint} HTTP/1.1\r\nHost: f\r\nContent-Length: {length}\r\n\r\n{body}")
}

pub(super) fn settle(number: u8) -> String {
    call(
        "settle",
        Address::repeat_byte(number),
        B256::repeat_byte(number),
    )
}

pub(super) fn arm(link: &LinkProxy, on: &str, fault: LinkFault) -> u64 {
    arm_for(link, on, LinkSelect::default(), fault)
}

pub(super) fn arm_for(link: &LinkProxy, on: &str, select: LinkSelect, fault: LinkFault) -> u64 {
    let on: LinkEvent = on.parse().unwrap();
    link.arm(LinkRule { on, select, fault }).unwrap()
}
