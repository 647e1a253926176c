//! What a run tells while it goes on; the command line decides how it looks.

/// Listener of a run's progress.
pub trait Progress: Send + Sync {
    /// A stage began, for example "starting anvil".
    fn stage(&self, text: &str);
    /// One of `total` requests is done.
    fn request(&self, done: usize, total: usize, probe: &str);
    /// So many seconds of a load are over: how it goes, in one line.
    fn load(&self, second: u64, text: &str) {
        let _ = (second, text);
    }
}

/// Tells nothing.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Progress for Silent {
    fn stage(&self, _text: &str) {}
    fn request(&self, _done: usize, _total: usize, _probe: &str) {}
}
