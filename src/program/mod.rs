//! The program: its command line and environment, the steps of a run, and its messages.

mod again;
mod channel;
pub mod cli;
mod contents;
pub mod environment;
mod failure;
mod host_recipients;
pub(crate) mod key_sources;
mod limit;
pub mod messages;
mod owners;
pub(crate) mod remedy;
pub mod run;
mod site;
mod sops_files;
pub mod template;
