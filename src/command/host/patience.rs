//! Looks at what others have written, or have mounted: on a thread that can only read, and for a limited time.

use std::{panic, thread, time::Duration};

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

/// Looks at all `places` side by side, so that many that do not answer take no longer than one. The results are in the order of
/// the places.
pub(crate) fn side_by_side<P: Sync, T: Send>(places: &[P], look: impl Fn(&P) -> T + Sync) -> Vec<T> {
    let look = &look;
    thread::scope(|scope| {
        let start = |place| thread::Builder::new().spawn_scoped(scope, move || look(place));
        let started: Vec<_> = places.iter().map(start).collect();
        let ended = started.into_iter().zip(places).map(|(started, place)| match started {
            Ok(thread) => thread.join().unwrap_or_else(|panicked| panic::resume_unwind(panicked)),
            // The system has no more threads: the turn of this place comes now.
            Err(_) => look(place),
        });
        ended.collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_places_are_looked_at_at_once_and_answer_in_order() {
        let all_are_here = std::sync::Barrier::new(20);
        let places: Vec<_> = (0..20).collect();
        let found = side_by_side(&places, |place| {
            // It goes on when all have come here.
            all_are_here.wait();
            *place
        });
        assert_eq!(found, places);
    }
}
