//! What every call to a service needs.

use crate::{environment::Environment, http::Client};

/// What every call to a service needs.
#[derive(Clone, Copy)]
pub(crate) struct Caller<'a> {
    /// The variables of this process.
    pub environment: &'a Environment,
    /// For the service.
    pub client: &'a Client,
    /// For what is on this host or beside it: metadata services.
    pub nearby: &'a Client,
}
