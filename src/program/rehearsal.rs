//! A run that changes nothing, for the commands that say what a run would do.

use super::{
    cli::ServiceMode,
    environment::KeyVariables,
    key_sources,
    lacks::Lacks,
    owners::{Owners, owned},
    prepared::Prepared,
    site,
};
use crate::{
    install::{InstallError, Preview},
    keys::{KeySources, Keyring, Notice},
    manifest::Manifest,
    system::{confinement::Confined, root::Root, users::Accounts},
};

/// What a run would do.
pub(crate) struct Rehearsal {
    /// What people should know about the key sources.
    pub(crate) notices: Vec<Notice>,
    /// The recipients of the age identities of this host.
    pub(crate) recipients: Vec<String>,
    /// The secrets and templates that would fail or be absent.
    pub(crate) lacks: Lacks,
    /// What a publication of the others would change, or why there would be none.
    pub(crate) preview: Result<Preview, InstallError>,
}

impl Rehearsal {
    /// Does what a run with `manifest` does, up to its first write. Nothing is reported. `is_early` says that no user is looked up, and
    /// `mode` when the run asks key services.
    /// `may_lack_users` says that a missing user is no failure, because an activation would make it before the run.
    pub(crate) fn of(
        manifest: &Manifest,
        (is_early, mode): (bool, ServiceMode),
        variables: KeyVariables,
        may_lack_users: bool,
        root: &Root,
    ) -> Self {
        let thread = Confined::default();
        let reach = mode.reach(manifest, is_early);
        let home = variables.home.clone();
        let sources = KeySources {
            thread: thread.clone(),
            reach,
            ..key_sources::sources(manifest, variables)
        };
        let mut keyring = Keyring::load(&sources);
        let mut notices = keyring.take_notices();
        let recipients = keyring
            .hand
            .identities
            .iter()
            .map(|identity| identity.recipient().to_owned())
            .collect();
        let mut accounts = Accounts::default();
        let mut site = site::of(is_early, home.as_deref(), manifest, root, &mut accounts);
        let (prepared, later) = Prepared::of(manifest, keyring, thread, &site, mode.awaited(reach));
        notices.extend(later);
        let owners = Owners::new(manifest.user_mode, is_early, accounts, may_lack_users);
        let owned = owned(manifest, &prepared.values, &prepared.rendered, owners, &site);
        site.directories = owned.directories;
        let mut lacks = prepared.lacks;
        if mode == ServiceMode::Complete {
            lacks.fail_awaited();
        }
        lacks.failures.extend(owned.failures);
        Self {
            notices,
            recipients,
            preview: Preview::of(&site, &owned.entries),
            lacks,
        }
    }

    /// The same, but for all that it lacks for want of keys: what is known of the keys, and the secrets that could not be read.
    pub(crate) fn without_keys(self) -> Self {
        Self {
            notices: Vec::new(),
            lacks: Lacks::default(),
            ..self
        }
    }
}
