//! Asks systemd to restart or reload the units that use changed secrets or templates.

mod action;
mod after_switch;
mod channel;
mod lists;
mod name;
mod orders;
mod requests;
mod state;
mod switch;
mod systemctl;
mod unit_error;
mod unit_files;

pub use after_switch::{ARGUMENT as AFTER_SWITCH, finish as after_switch};
pub use channel::{Channel, request, start_failed, take_up};
pub use name::full as full_name;
pub use requests::UnitRequests;
#[cfg(test)]
pub(crate) use state::PROPERTIES;
pub use unit_error::UnitError;
