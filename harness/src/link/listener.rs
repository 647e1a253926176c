//! Accepting callers, and the ways of not being there.

use std::io;
use std::sync::Arc;

use futures_util::FutureExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::connection::serve;
use super::rule::Outage;
use super::shared::Shared;
use crate::os::HeldPort;

/// Callers waiting to be accepted.
pub(super) const BACKLOG: u32 = 1024;
/// Callers kept waiting in a silent outage.
const SILENT_MAX: usize = 4096;

/// An outage to begin or end, and where to say that it has.
pub(super) type OutageOrder = (Option<Outage>, oneshot::Sender<io::Result<()>>);

/// Accepts until the link stops.
pub(super) async fn run(
    shared: Arc<Shared>,
    port: HeldPort,
    listener: TcpListener,
    mut orders: mpsc::Receiver<OutageOrder>,
) {
    let mut listener = Some(listener);
    let mut outage = None;
    let mut silent: Vec<TcpStream> = Vec::new();
    let mut cut = shared.stop.child_token();
    loop {
        tokio::select! {
            biased;
            () = shared.stop.cancelled() => return,
            order = orders.recv() => {
                let Some((wanted, done)) = order else { return };
                // Whoever knocked before this is treated as it was then.
                while let Some(stream) = accept(listener.as_ref()).now_or_never() {
                    admit(&shared, stream, outage, &mut silent, &cut);
                }
                if wanted.is_some() {
                    // Whoever is away holds no connection either.
                    std::mem::replace(&mut cut, shared.stop.child_token()).cancel();
                }
                silent.drain(..).for_each(reset);
                outage = wanted;
                let ready = match outage {
                    Some(Outage::Refused) => {
                        listener = None;
                        Ok(())
                    }
                    _ if listener.is_some() => Ok(()),
                    _ => port.listen(BACKLOG).map(|again| listener = Some(again)),
                };
                // Nobody may wait for it any more.
                let _ = done.send(ready);
            }
            stream = accept(listener.as_ref()) => admit(&shared, stream, outage, &mut silent, &cut),
        }
    }
}

/// What becomes of a caller.
fn admit(
    shared: &Arc<Shared>,
    stream: TcpStream,
    outage: Option<Outage>,
    silent: &mut Vec<TcpStream>,
    cut: &CancellationToken,
) {
    match outage {
        None => begin(shared, stream, cut),
        Some(Outage::Silent) if silent.len() < SILENT_MAX => silent.push(stream),
        Some(_) => reset(stream),
    }
}

/// The next caller; never comes while nobody listens.
async fn accept(listener: Option<&TcpListener>) -> TcpStream {
    let Some(listener) = listener else {
        return std::future::pending().await;
    };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            // Out of descriptors, or a caller that left: others may still come.
            Err(error) => {
                tracing::debug!(%error, "a link could not accept");
                tokio::task::yield_now().await;
            }
        }
    }
}

fn begin(shared: &Arc<Shared>, stream: TcpStream, cut: &CancellationToken) {
    let Ok(permit) = Arc::clone(&shared.connections).try_acquire_owned() else {
        reset(stream);
        return;
    };
    let (link, cut) = (Arc::clone(shared), cut.clone());
    shared.tasks.spawn(async move {
        serve(link, stream, cut).await;
        drop(permit);
    });
}

fn reset(stream: TcpStream) {
    // Without it the caller sees an orderly end.
    let _ = stream.set_zero_linger();
}
