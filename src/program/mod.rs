//! The program: the steps of a run, and what it is told and says.

mod again;
pub mod cli;
mod contents;
pub mod environment;
mod failure;
mod key_sources;
mod limit;
pub mod messages;
mod owners;
mod remedy;
pub mod run;
mod sops_files;
pub mod template;
