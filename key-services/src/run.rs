//! Asks for all entries side by side, and answers each as soon as it is decided.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Mutex,
    thread,
    time::Duration,
};

use crate::{
    deadline::Deadline,
    environment::Environment,
    reply,
    request::{Asked, Entry, Request},
    services::{Services, Settings},
};

/// The most entries of one service that are asked for at the same time.
const MOST_AT_ONCE: usize = 64;
/// The most time that a request may give: an hour.
const MOST_SECONDS: u32 = 3600;

/// Entries of one service, each with the names that it has in the request.
type Queue = Mutex<VecDeque<(Entry, Vec<u64>)>>;

/// Asks for each distinct entry of `request` once, and writes a line for each name. An entry whose line is missing in the end was not decided.
pub(crate) fn run(request: Request, environment: &Environment) {
    let time = Duration::from_secs(request.timeout_seconds.min(MOST_SECONDS).into());
    let settings = Settings {
        allowed: &request.allowed_endpoints,
        key_services: &request.key_services,
        deadline: Deadline::after(time),
    };
    let services = Services::new(environment, &settings);
    let mut queues = BTreeMap::<&str, VecDeque<_>>::new();
    for (entry, ids) in distinct(request.entries) {
        queues.entry(entry.service()).or_default().push_back((entry, ids));
    }
    let queues = queues.into_values().map(Mutex::new).collect::<Vec<Queue>>();
    let written = Mutex::new(());
    thread::scope(|scope| {
        for queue in &queues {
            let length = queue.lock().map_or(0, |queue| queue.len());
            for _ in 0..length.min(MOST_AT_ONCE) {
                // A thread that the system refuses is no harm: the others and this one do its work.
                let _ = thread::Builder::new().spawn_scoped(scope, || work(queue, &services, &written));
            }
        }
        for queue in &queues {
            work(queue, &services, &written);
        }
    });
}

fn distinct(entries: Vec<Asked>) -> BTreeMap<Entry, Vec<u64>> {
    let mut distinct = BTreeMap::<_, Vec<_>>::new();
    for asked in entries {
        distinct.entry(asked.entry).or_default().push(asked.id);
    }
    distinct
}

fn work(queue: &Queue, services: &Services<'_>, written: &Mutex<()>) {
    while let Some((entry, ids)) = next(queue) {
        let outcome = services.open(&entry);
        let mut lines = ids.into_iter().map(|id| reply::line(id, &entry, &outcome));
        let _one_at_a_time = written.lock();
        let written = lines.try_for_each(|line| reply::write(&line));
        if written.is_err() {
            // The installer has gone: nobody waits for the rest.
            return;
        }
    }
}

fn next(queue: &Queue) -> Option<(Entry, Vec<u64>)> {
    queue.lock().ok()?.pop_front()
}
