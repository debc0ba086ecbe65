//! Watches a child of this process, so that `poll` can wait for its end beside other events.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(any(target_os = "macos", test))]
mod macos;

#[cfg(target_os = "linux")]
pub(crate) use linux::watch;
#[cfg(target_os = "macos")]
pub(crate) use macos::watch;
