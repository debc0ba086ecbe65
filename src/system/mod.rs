//! What the operating system does for us: reads, child processes, users, signals, and what a thread may do.

pub mod budget;
pub(crate) mod child;
pub mod confinement;
pub mod hardening;
pub mod plaintext;
pub mod read;
pub(crate) mod stop;
mod umask;
pub mod users;
