//! Uses the operating system: reads files, runs child processes, looks up users, receives signals, and confines a thread.
//!
//! What differs between Linux and macOS lies here. A module whose children are `linux` and `macos` is one interface for both.

pub(crate) mod access_list;
pub mod account_files;
pub mod budget;
pub(crate) mod child;
mod child_end;
pub(crate) mod child_environment;
pub(crate) mod child_error;
pub mod confinement;
pub(crate) mod handle;
pub mod hardening;
pub(crate) mod id_maps;
pub mod ids;
pub(crate) mod locks;
pub mod memory;
pub mod mode;
pub(crate) mod mounts;
mod pipe;
pub mod plaintext;
mod process_group;
pub(crate) mod progress;
pub mod read;
pub mod root;
pub(crate) mod service_manager;
#[cfg(target_os = "linux")]
mod splash;
pub(crate) mod status;
pub(crate) mod stop;
mod umask;
pub(crate) mod user_dirs;
pub mod users;
