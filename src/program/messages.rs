//! Sends the messages of the program to the journal or to standard error.
//!
//! All messages have one form: object, cause and remedy, in lower case and without a full stop. If standard error is connected
//! to the journal, a message goes to the journal, with its fields. Otherwise the message goes to standard error, as text.
//! Standard output is only for the lines about changes.
//!
//! At the end of a run that failed, people are told where to read more: in the list of messages, which `sops-nix messages` shows.

use std::{
    env::split_paths,
    ffi::OsStr,
    fmt::{self, Write as _},
    io::{IsTerminal as _, Write as _},
    path::PathBuf,
    sync::{Arc, Mutex},
};

use rustix::fs::fstat;
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context, prelude::*, registry};

use super::message_list::row_of;
use crate::system::status::device;

/// The most errors of one run of which the rows in the list of messages are looked up. People read the first ones.
const MOST_ERRORS: usize = 20;
/// The most rows that are named.
const MOST_ROWS: usize = 3;

/// The rows of the list of messages that tell of the errors of this run.
#[derive(Clone, Default)]
struct Rows(Arc<Mutex<Gathered>>);

#[derive(Default)]
struct Gathered {
    /// The names of the rows, in the order of the errors, and each once.
    names: Vec<&'static str>,
    /// How many errors were looked up.
    errors: usize,
}

/// The messages of this run, after they were sent.
pub struct Messages {
    /// None if no people read the messages. Another program may compare them, or show them in its own way.
    rows: Option<Rows>,
}

impl Messages {
    /// Says by which command people can read more about the errors of this run. Nothing if there were none, or if that command is not
    /// in `search_path`, as in `PATH`, or among the programs of this system.
    pub fn tell_more(&self, search_path: &OsStr) {
        let mut places = split_paths(search_path).chain([PathBuf::from("/run/current-system/sw/bin")]);
        let Some(rows) = &self.rows else { return };
        let names = rows.0.lock().map(|found| found.names.join(" ")).unwrap_or_default();
        if !names.is_empty() && places.any(|place| place.join("sops-nix").is_file()) {
            tracing::info!("to read more about this, run: sops-nix messages {names}");
        }
    }
}

/// From now on, sends all messages to the journal or to standard error. `environment` is the value of the variable `JOURNAL_STREAM`.
#[must_use]
pub fn init(environment: &str) -> Messages {
    let journal = is_journal(environment).then(|| tracing_journald::layer().ok()).flatten();
    let is_terminal = std::io::stderr().is_terminal();
    let rows = (journal.is_some() || is_terminal).then(Rows::default);
    let receivers = registry().with(rows.clone());
    // The error is ignored: it means that a receiver of messages was set before, and that receiver stays.
    let _ = match journal {
        Some(journal) => tracing::subscriber::set_global_default(receivers.with(journal.with_field_prefix(None))),
        None => tracing::subscriber::set_global_default(receivers.with(StandardError {
            colour: is_terminal && std::env::var_os("NO_COLOR").is_none(),
        })),
    };
    Messages { rows }
}

impl<S: Subscriber> Layer<S> for Rows {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let Ok(mut found) = self.0.lock() else { return };
        if *event.metadata().level() != Level::ERROR || found.errors == MOST_ERRORS || found.names.len() == MOST_ROWS {
            return;
        }
        found.errors += 1;
        let row = row_of(&Message::of(event).0).filter(|row| !row.is_sum && !found.names.contains(&row.anchor));
        found.names.extend(row.map(|row| row.anchor));
    }
}

/// Whether standard error is connected to the journal. `stream` is the value of `JOURNAL_STREAM`: the device and inode of the
/// connection to the journal (systemd.exec(5)).
fn is_journal(stream: &str) -> bool {
    let named = stream
        .split_once(':')
        .and_then(|(device, inode)| Some((device.parse().ok()?, inode.parse().ok()?)));
    let actual = fstat(std::io::stderr()).map(|stat| (device(&stat), stat.st_ino));
    matches!((named, actual), (Some(named), Ok(actual)) if named == actual)
}

/// A receiver of messages that writes them as text to standard error.
struct StandardError {
    colour: bool,
}

impl<S: Subscriber> Layer<S> for StandardError {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let message = Message::of(event);
        let (colour, label) = match *event.metadata().level() {
            Level::ERROR => ("\x1b[1;31m", "error: "),
            Level::WARN => ("\x1b[1;33m", "warning: "),
            _ => ("", ""),
        };
        let (colour, plain) = if self.colour && !label.is_empty() {
            (colour, "\x1b[0m")
        } else {
            ("", "")
        };
        // The error is ignored: if standard error is closed, nobody reads messages.
        let _ = writeln!(std::io::stderr().lock(), "{colour}{label}{plain}{}", message.0);
    }
}

/// The text of a message. The other fields of the message are left out, because they are for the journal.
struct Message(String);

impl Message {
    fn of(event: &Event<'_>) -> Self {
        let mut message = Self(String::new());
        event.record(&mut message);
        message
    }
}

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            // Writing to a string cannot fail.
            let _ = write!(self.0, "{value:?}");
        }
    }
}
