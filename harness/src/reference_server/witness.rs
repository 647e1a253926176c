//! Somebody who sees what the server asks its facilitator, for facilitators that keep no log of their own.

use std::fmt::Debug;
use std::sync::Arc;

use x402_mock_facilitator::event::Endpoint;

/// Told of every call, from the server's end of the connection.
pub trait Witness: Debug + Send + Sync {
    /// A request is about to be sent; the number names it afterwards.
    fn asked(&self, endpoint: Endpoint, body: &[u8]) -> u64;
    /// Its answer came, whole.
    fn answered(&self, call: u64, status: u16, body: &[u8]);
    /// It ended without a whole answer.
    fn cut(&self, call: u64);
}

/// One call that is being watched; when it is dropped before its answer, it was cut.
#[derive(Debug)]
pub(crate) struct Watched {
    witness: Option<(Arc<dyn Witness>, u64)>,
}

impl Watched {
    /// Begins to watch, if there is somebody who does.
    pub(crate) fn begin(
        witness: Option<&Arc<dyn Witness>>,
        endpoint: Endpoint,
        body: &[u8],
    ) -> Self {
        let begun =
            |witness: &Arc<dyn Witness>| (Arc::clone(witness), witness.asked(endpoint, body));
        Self {
            witness: witness.map(begun),
        }
    }

    /// The answer is there.
    pub(crate) fn answered(mut self, status: u16, body: &[u8]) {
        if let Some((witness, call)) = self.witness.take() {
            witness.answered(call, status, body);
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some((witness, call)) = self.witness.take() {
            witness.cut(call);
        }
    }
}
