//! Uses the operating system: reads files, runs child processes, looks up users, receives signals, and confines a thread.

pub mod budget;
pub(crate) mod child;
pub(crate) mod child_error;
pub mod confinement;
pub mod hardening;
pub(crate) mod id_maps;
pub(crate) mod locks;
pub mod mode;
pub mod plaintext;
pub(crate) mod progress;
pub mod read;
pub mod root;
pub(crate) mod stop;
mod umask;
pub mod users;
