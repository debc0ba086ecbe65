//! What a publication would do, for a dry run.

use super::{
    changes::{self, Changes},
    entry::Entry,
    error::InstallError,
    grounds::Grounds,
    links,
    live::{Current, steady},
    mount,
    plan::{self, sorted},
    site::Site,
};

/// What a publication would do.
#[derive(Debug)]
pub struct Preview {
    /// Whether a generation is live, so that a failure would leave it untouched.
    pub is_live: bool,
    /// What would change.
    pub changes: Changes,
    /// What stands in the way of declared paths.
    pub failures: Vec<InstallError>,
    /// Whether obstacles would stop the run. If so, `failures` has only those that would.
    pub is_refused: bool,
}

impl Preview {
    /// Reports what a publication of `entries` would change. Mounts nothing, makes no file or directory, and takes no lock.
    ///
    /// # Errors
    ///
    /// When the live generation cannot be read, or nothing could be published here.
    pub fn of(site: &Site, entries: &[Entry<'_>]) -> Result<Self, InstallError> {
        steady(site, || Self::look(site, entries))
    }

    /// [`Preview::of`], as long as no other run publishes.
    fn look(site: &Site, entries: &[Entry<'_>]) -> Result<Self, InstallError> {
        let root = mount::open(site)?;
        let grounds = Grounds::look(site, root.as_ref())?;
        if let Some(root) = &root {
            mount::inspect(site, root)?;
        }
        links::check(site)?;
        let current = root
            .as_ref()
            .map(|root| Current::read(site, root))
            .transpose()?
            .unwrap_or_default();
        let changes = changes::compare(current.live.as_ref(), entries)?;
        let is_live = current.live.is_some();
        let (blocking, others) = sorted(plan::plan(site, &grounds, entries).obstacles);
        let is_refused = is_live && !blocking.is_empty();
        let mut failures = blocking;
        if !is_refused {
            failures.extend(others);
        }
        Ok(Self {
            is_live,
            changes,
            failures,
            is_refused,
        })
    }
}
