//! Asking systemd to restart or reload the units that use what has changed.

mod channel;
mod lists;
mod requests;
mod systemctl;
mod unit_error;

pub use channel::{Channel, request, start_failed};
pub use requests::UnitRequests;
pub use unit_error::UnitError;
