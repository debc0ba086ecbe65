//! Sends the messages of the program to the journal or to standard error.
//!
//! All messages have one form: object, cause and remedy, in lower case and without a full stop. If standard error is connected
//! to the journal, a message goes to the journal, with its fields. Otherwise the message goes to standard error, as text.
//! Standard output is only for the lines about changes.

use std::{
    fmt::{self, Write as _},
    io::{IsTerminal as _, Write as _},
};

use rustix::fs::fstat;
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context, prelude::*, registry};

use crate::system::status::device;

/// From now on, sends all messages to the journal or to standard error. `environment` is the value of the variable `JOURNAL_STREAM`.
pub fn init(environment: &str) {
    let journal = is_journal(environment).then(|| tracing_journald::layer().ok()).flatten();
    // The error is ignored: it means that a receiver of messages was set before, and that receiver stays.
    let _ = match journal {
        Some(journal) => tracing::subscriber::set_global_default(registry().with(journal.with_field_prefix(None))),
        None => tracing::subscriber::set_global_default(registry().with(StandardError {
            colour: std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
        })),
    };
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
        let mut message = Message(String::new());
        event.record(&mut message);
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

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            // Writing to a string cannot fail.
            let _ = write!(self.0, "{value:?}");
        }
    }
}
