//! Publishes secrets and rendered templates: from their contents in memory to `/run/secrets`.
//!
//! [`publish`] writes all entries as a new generation, and then swaps the link to that generation. If a run fails before the swap,
//! the live generation stays as it was. If a run is killed, the link leads either to the old generation or to the new one, and both
//! are complete. [`Preview::of`] reports what [`publish`] would do, and changes nothing.

mod at_path;
pub mod changes;
pub(crate) mod check_output;
pub(crate) mod checking;
mod compared_file;
mod complete;
mod copies;
mod declared;
mod declared_file;
mod destination;
mod directories;
mod entry;
mod error;
mod failure;
mod files;
mod finder;
mod forget;
mod former;
mod generation;
mod grounds;
mod held;
mod homes;
mod layout;
mod ledger;
mod ledger_error;
mod links;
mod live;
mod lock;
mod made;
mod marked;
mod mount;
mod name;
mod newcomer;
mod noted;
mod open_ledger;
mod outside;
mod owner;
mod parents;
mod path_error;
mod pending;
mod plan;
mod preview;
mod publication;
pub(crate) mod record;
mod rollback;
mod rollback_copies;
mod rollback_effect;
mod rollback_error;
mod rollback_record;
mod site;
mod spread;
mod step;
#[cfg(test)]
pub(crate) mod tests;
pub mod units;
mod unsynced;
mod walk;
mod watch_file;
mod way;
mod wipe;
mod withdrawal;
mod writers;

pub use at_path::AtPath;
pub use compared_file::is_copy_of;
pub use declared_file::DeclaredFile;
pub use directories::Directories;
pub use entry::{Entry, EntryKind};
pub use error::InstallError;
pub use failure::Failed;
pub use forget::forget;
pub use former::{FormerPlace, Removed, has_nothing_published, preview as former_links, tidy};
pub(crate) use grounds::is_reserved;
pub use homes::Homes;
pub use live::{Difference, LiveGeneration, live_contents, live_generation};
pub(crate) use name::rendered;
pub use name::{BadName, EntryName, PlaceInGeneration};
pub use owner::Owner;
pub use preview::Preview;
pub use publication::{Extent, Published, publish};
pub use rollback::{Rollback, RolledBack, possible_rollback, roll_back};
pub use site::{Site, Store};
pub use writers::Writer;
