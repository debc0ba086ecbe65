//! Uses the operating system: reads files, runs child processes, looks up users, receives signals, and confines a thread.

pub mod budget;
pub(crate) mod child;
pub mod confinement;
pub mod hardening;
pub mod mode;
pub mod plaintext;
pub mod read;
pub mod root;
pub(crate) mod stop;
mod umask;
pub mod users;
