//! One connection of a caller: its exchanges, one after the other, and the strikes that come in between.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::about::About;
use super::effect::{held, wait};
use super::exchange::{End, Exchange};
use super::head::RequestHead;
use super::open::{ForeignStrike, Live};
use super::rule::{Answer, LinkFault};
use super::shared::Shared;
use super::upstream::{Upstream, read_for_nobody};
use super::wire::{HeadRead, Wire};

/// Both ends of what passes through.
#[derive(Debug)]
struct Connection {
    client: Wire,
    server: Option<Wire>,
}

/// How an exchange ended.
#[derive(Debug)]
enum Ended {
    Own(End),
    /// A strike has the link answer.
    Answer(Answer),
}

/// Serves a caller until either side ends, or `cut` cuts every connection.
pub(super) async fn serve(shared: Arc<Shared>, stream: TcpStream, cut: CancellationToken) {
    let peer_port = stream.peer_addr().map_or(0, |address| address.port());
    let mut connection = Connection {
        client: Wire::new(stream),
        server: None,
    };
    let end = tokio::select! {
        biased;
        () = cut.cancelled() => End::Reset,
        end = exchanges(&shared, &mut connection, peer_port) => end,
    };
    let Connection { client, server } = connection;
    match end {
        End::Reset => {
            client.reset();
            if let Some(server) = server {
                server.reset();
            }
        }
        End::Tunnel => {
            if let Some(server) = server {
                tokio::select! {
                    () = client.tunnel(server) => {}
                    () = cut.cancelled() => {}
                }
            }
        }
        End::Close | End::Next | End::NextElsewhere => {
            client.close().await;
            if let Some(server) = server {
                server.close().await;
            }
        }
    }
}

/// Exchanges until something ends them.
async fn exchanges(shared: &Arc<Shared>, connection: &mut Connection, peer_port: u16) -> End {
    loop {
        if let Some(end) = idle(connection).await {
            return end;
        }
        let raw = match connection.client.split().from.head().await {
            Ok(HeadRead::Head(raw)) => raw,
            Ok(HeadRead::Ended) => return End::Close,
            Ok(HeadRead::Endless) => return pass_untouched(shared, connection, None).await,
            Err(error) => return error.into(),
        };
        let Some(head) = RequestHead::parse(raw.clone()) else {
            return pass_untouched(shared, connection, Some(&raw)).await;
        };
        let closes = head.closes();
        let method = head.method.clone();
        match exchange(shared, connection, head, peer_port).await {
            End::Next if closes => return End::Close,
            End::Next => {}
            End::NextElsewhere => {
                if let Some(server) = connection.server.take() {
                    shared
                        .tasks
                        .spawn(async move { read_for_nobody(server, &method).await });
                }
                if closes {
                    return End::Close;
                }
            }
            end => return end,
        }
    }
}

/// Waits for the next request; an end when the server hung up first, which its caller then sees as it would without us.
async fn idle(connection: &mut Connection) -> Option<End> {
    let Some(server) = &mut connection.server else {
        return None;
    };
    let (mut client, mut server) = (connection.client.split(), server.split());
    tokio::select! {
        biased;
        () = client.from.readable() => None,
        () = server.from.readable() => Some(End::Close),
    }
}

/// What is no HTTP/1 passes both ways as it is.
async fn pass_untouched(shared: &Shared, connection: &mut Connection, read: Option<&[u8]>) -> End {
    if connection.server.is_none() {
        match shared.upstream().connect().await {
            Ok(server) => connection.server = Some(server),
            Err(_) => return End::Reset,
        }
    }
    if let (Some(server), Some(read)) = (&mut connection.server, read)
        && server.split().to.write_all(read).await.is_err()
    {
        return End::Reset;
    }
    End::Tunnel
}

/// One exchange, with the strikes that other links' events bring.
async fn exchange(
    shared: &Arc<Shared>,
    connection: &mut Connection,
    head: RequestHead,
    peer_port: u16,
) -> End {
    let about = About::of_head(shared.ends, &head, peer_port);
    let (guard, mut strikes) = shared.open.enter(about.clone());
    let upstream = shared.upstream();
    let (live, method) = (&guard.live, head.method.clone());
    let Connection { client, server } = connection;
    let ended = {
        let exchange = Exchange {
            shared,
            live,
            upstream: upstream.clone(),
            about,
            head,
        };
        let mut running = pin!(exchange.run(client, server));
        loop {
            tokio::select! {
                biased;
                Some(strike) = strikes.recv() => {
                    let again = Resend { shared, upstream: &upstream, method: &method };
                    if let Some(ended) = struck(strike, live, &again).await {
                        break ended;
                    }
                }
                end = &mut running => break Ended::Own(end.unwrap_or_else(|end| end)),
            }
        }
    };
    match ended {
        Ended::Own(end) => end,
        Ended::Answer(answer) => {
            // Whoever hung up does not hear it.
            let _ = client.split().to.write_all(&answer.to_bytes(true)).await;
            End::Close
        }
    }
}

/// What it takes to send a request again.
struct Resend<'a> {
    shared: &'a Shared,
    upstream: &'a Upstream,
    method: &'a str,
}

/// Carries out a strike while the exchange stands still; an end when it ends with it.
async fn struck(strike: ForeignStrike, live: &Live, again: &Resend<'_>) -> Option<Ended> {
    let ForeignStrike { fault, over, _done } = strike;
    match fault {
        LinkFault::Reset => return Some(Ended::Own(End::Reset)),
        LinkFault::Close => return Some(Ended::Own(End::Close)),
        LinkFault::Answer(answer) if !live.answering.load(Ordering::Relaxed) => {
            return Some(Ended::Answer(answer));
        }
        // Too late for another answer: the one under way is cut.
        LinkFault::Answer(_) => return Some(Ended::Own(End::Close)),
        LinkFault::Truncate { bytes } => live.truncate(bytes),
        LinkFault::Hang => {
            drop(_done);
            held(&over).await;
            return Some(Ended::Own(End::Reset));
        }
        LinkFault::Pause => {
            drop(_done);
            held(&over).await;
        }
        LinkFault::Delay { ms } => {
            drop(_done);
            wait(ms, &over).await;
        }
        LinkFault::Duplicate => {
            if let Some(request) = live.copy() {
                let (upstream, method) = (again.upstream.clone(), again.method.to_owned());
                again.shared.tasks.spawn(async move {
                    // Only that it is asked counts.
                    let _ = upstream.ask(&request, &method).await;
                });
            }
        }
        LinkFault::Cache => {}
    }
    None
}
