//! Asks for all entries side by side, and answers each as soon as it is decided.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    io, process,
    sync::Mutex,
    thread,
    time::Duration,
};

use crate::{
    deadline::Deadline,
    environment::Environment,
    fault::Fault,
    reply,
    request::{Asked, Entry, Request},
    secret::Secret,
    services::{Services, Settings},
};

/// The most entries that are asked for at one place at the same time.
const MOST_AT_ONCE: usize = 64;
/// The most threads. Each has buffers of its own for its server.
const MOST_THREADS: usize = 256;
/// The most queues of one service, so that all services together have less than [`MOST_THREADS`]: the files say how many places there are.
const MOST_QUEUES: usize = 48;
/// The most time that a request may give: an hour.
const MOST_SECONDS: u32 = 3600;

/// What the request calls an entry, and the key group that it is in.
#[derive(Clone, Copy)]
struct Name {
    id: u64,
    group: u64,
}

/// An entry that is to be asked for.
struct Waiting {
    entry: Entry,
    /// The names that it has in the request.
    names: Vec<Name>,
    /// Why its service does not open it. `None` if that was not asked yet.
    fault: Option<Fault>,
}

/// Entries of one place, or of several if there are many, and how many entries there are at first.
struct Queue {
    waiting: Mutex<VecDeque<Waiting>>,
    length: usize,
}

/// Asks for each distinct entry of `request` once, and writes a line for each name. An entry whose line is missing in the end was not decided, or its
/// group was open without it. When all groups are open, the process ends at once: the answers that are still to come would be of no use.
pub(crate) fn run(request: Request, environment: &Environment) {
    let time = Duration::from_secs(request.timeout_seconds.min(MOST_SECONDS).into());
    let settings = Settings {
        allowed: &request.allowed_endpoints,
        key_services: &request.key_services,
        deadline: Deadline::after(time),
    };
    let services = Services::new(environment, &settings);
    let closed = Closed::new(&request.entries);
    let mut places = BTreeMap::<_, BTreeMap<String, usize>>::new();
    let mut queues = BTreeMap::<_, VecDeque<_>>::new();
    for (entry, names) in distinct(request.entries) {
        let waiting = Waiting {
            entry,
            names,
            fault: None,
        };
        let (service, place) = waiting.entry.place();
        let places = places.entry(service).or_default();
        let next = places.len() % MOST_QUEUES;
        let number = *places.entry(place).or_insert(next);
        queues.entry((service, number)).or_default().push_back(waiting);
    }
    let queues = queues.into_values().map(Queue::new).collect::<Vec<_>>();
    thread::scope(|scope| {
        for queue in threads(&queues) {
            // A thread that the system refuses is no harm: the others and this one do its work.
            let _ = thread::Builder::new().spawn_scoped(scope, || work(queue, &services, &closed));
        }
        for queue in &queues {
            work(queue, &services, &closed);
        }
    });
}

/// The queue of each thread. Each has one before any has a second one, so that a place whose server is silent holds up no other.
fn threads(queues: &[Queue]) -> impl Iterator<Item = &Queue> {
    let of_round = |round| queues.iter().filter(move |queue| queue.length > round);
    (0..MOST_AT_ONCE).flat_map(of_round).take(MOST_THREADS)
}

fn distinct(entries: Vec<Asked>) -> BTreeMap<Entry, Vec<Name>> {
    let mut distinct = BTreeMap::<_, Vec<_>>::new();
    for Asked { id, group, entry } in entries {
        distinct.entry(entry).or_default().push(Name { id, group });
    }
    distinct
}

/// Decides the entries of `queue`. One that only the key services of sops may still open goes to the end of the queue: they may be slow, so all other
/// entries of its place are asked for first. By then, its groups may be open without it.
fn work(queue: &Queue, services: &Services<'_>, closed: &Closed) {
    while let Some(Waiting { entry, names, fault }) = queue.next() {
        if !closed.has_any(&names) {
            continue;
        }
        let outcome = match fault {
            Some(fault) => services.ask_others(&entry, fault),
            None => match services.ask_service(&entry) {
                Err(fault) if services.is_for_others(&entry, &fault) => {
                    let fault = Some(fault);
                    queue.put_back(Waiting { entry, names, fault });
                    continue;
                }
                decided => decided,
            },
        };
        if closed.tell(&entry, &names, &outcome).is_err() {
            // The installer has gone: nobody waits for the rest.
            return;
        }
    }
}

impl Queue {
    fn new(waiting: VecDeque<Waiting>) -> Self {
        let (length, waiting) = (waiting.len(), Mutex::new(waiting));
        Self { waiting, length }
    }

    fn next(&self) -> Option<Waiting> {
        self.waiting.lock().ok()?.pop_front()
    }

    fn put_back(&self, entry: Waiting) {
        if let Ok(mut waiting) = self.waiting.lock() {
            waiting.push_back(entry);
        }
    }
}

/// The groups that no entry has opened so far. Who holds the lock may write.
struct Closed(Mutex<BTreeSet<u64>>);

impl Closed {
    fn new(entries: &[Asked]) -> Self {
        Self(Mutex::new(entries.iter().map(|asked| asked.group).collect()))
    }

    fn has_any(&self, names: &[Name]) -> bool {
        self.0
            .lock()
            .is_ok_and(|closed| names.iter().any(|name| closed.contains(&name.group)))
    }

    /// Writes what came of an entry. Ends the process if that was the last that was needed.
    fn tell(&self, entry: &Entry, names: &[Name], outcome: &Result<Secret, Fault>) -> io::Result<()> {
        let mut closed = self.0.lock().map_err(|_| io::ErrorKind::Other)?;
        for Name { id, group } in names {
            reply::write(&reply::line(*id, entry, outcome))?;
            if outcome.is_ok() {
                closed.remove(group);
            }
        }
        if closed.is_empty() {
            process::exit(0);
        }
        Ok(())
    }
}
