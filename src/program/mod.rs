//! The program: its command line and environment, the steps of a run, and its messages.

pub(crate) mod again;
mod channel;
pub mod cli;
mod contents;
mod env_template;
pub mod environment;
pub(crate) mod failure;
mod host_recipients;
mod kept;
pub(crate) mod key_sources;
pub(crate) mod lacks;
mod last_run;
mod limit;
pub(crate) mod manifest_file;
pub mod messages;
mod metrics;
mod metrics_file;
pub(crate) mod mock;
mod owners;
mod prepared;
pub(crate) mod rehearsal;
pub(crate) mod remedy;
pub mod run;
pub(crate) mod site;
pub(crate) mod sops_files;
pub mod template;
mod trim;
