//! What the operating system is asked for: reads, child processes, users, signals, and the confinement of a thread.

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
