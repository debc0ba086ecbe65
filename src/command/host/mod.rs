//! The commands for a running system: what it is set up to install, and what of it is there.

mod asker;
mod call;
mod doctor;
mod entry_status;
mod explain;
mod forget;
mod host_manifest;
mod installation;
mod no_key_yet;
mod patience;
mod phase_status;
mod place;
mod plan;
mod readers;
mod retry;
mod rollback;
#[cfg(test)]
mod schema;
mod search_path;
mod status;
mod story;
mod story_page;
mod systemd;
mod unit_file;
mod who_reads;

pub(crate) use doctor::answer as doctor;
pub(crate) use explain::answer as explain;
pub(crate) use forget::answer as forget;
pub(crate) use host_manifest::read_manifest;
pub(crate) use installation::of_system;
pub(crate) use plan::answer as plan;
pub(crate) use retry::answer as retry;
pub(crate) use rollback::answer as rollback;
pub(crate) use search_path::adopt as adopt_search_path;
pub(crate) use status::answer as status;
pub(crate) use who_reads::answer as who_reads;
