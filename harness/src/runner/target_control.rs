//! What scenarios may do to the target itself.

use std::fmt::Debug;
use std::net::SocketAddr;

use futures_util::future::BoxFuture;

/// How a process is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// In good order.
    Stop,
    /// At once; its connections break.
    Kill,
}

/// What changing processes comes to: the addresses of all copies but the first, which stays where it is; or, for people,
/// why it did not work. That is the trouble of one case.
pub type Changed = Result<Vec<SocketAddr>, String>;

/// The processes of a target.
pub trait TargetControl: Debug + Send + Sync {
    /// Why the target cannot be restarted, if it cannot.
    fn fixed(&self) -> Option<String>;

    /// Most copies that may run side by side.
    ///
    /// # Errors
    /// Why there is only one.
    fn most_copies(&self) -> Result<u32, String>;

    /// Whether everything runs that should.
    fn is_up(&self) -> BoxFuture<'_, bool>;

    /// Ends every copy and starts it again on its port, until it is ready.
    fn restart(&self, ending: Ending) -> BoxFuture<'_, Changed>;

    /// Starts what should run and does not.
    fn revive(&self) -> BoxFuture<'_, Changed>;

    /// Runs so many copies, no more and no less.
    fn copies(&self, count: u32) -> BoxFuture<'_, Changed>;
}

/// A target that the bench did not start.
#[derive(Debug, Clone, Copy)]
pub struct NotOurProcess;

impl NotOurProcess {
    fn why() -> String {
        "the bench did not start the target: its profile has no `launch`".to_owned()
    }

    fn refuse() -> BoxFuture<'static, Changed> {
        Box::pin(async { Err(Self::why()) })
    }
}

impl TargetControl for NotOurProcess {
    fn fixed(&self) -> Option<String> {
        Some(Self::why())
    }

    fn most_copies(&self) -> Result<u32, String> {
        Err(Self::why())
    }

    fn is_up(&self) -> BoxFuture<'_, bool> {
        Box::pin(async { true })
    }

    fn restart(&self, _ending: Ending) -> BoxFuture<'_, Changed> {
        Self::refuse()
    }

    fn revive(&self) -> BoxFuture<'_, Changed> {
        Self::refuse()
    }

    fn copies(&self, _count: u32) -> BoxFuture<'_, Changed> {
        Self::refuse()
    }
}
