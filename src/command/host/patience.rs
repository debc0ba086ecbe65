//! Looks at what others have written, or have mounted: on a thread that can only read, and for a limited time.

use std::time::Duration;

use crate::system::{confinement::Confined, progress::Progress};

/// How long a look may take: 5 seconds. A file system that does not answer in this time (a network file system whose server is gone) may
/// never answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Does `work` on a thread that can only read. `what` says what is waited for. `None` if it takes too long: the thread is left behind
/// then, and ends with the process.
pub(crate) fn patiently<T: Send + 'static>(what: &str, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let mut progress = Progress::about(what.to_owned());
    Confined::default()
        .run_telling(&mut progress, PATIENCE, Duration::ZERO, work)
        .ok()
}
