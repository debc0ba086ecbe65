//! The keys of this host.

use std::{
    sync::atomic::AtomicBool,
    time::{Duration, Instant},
};

use super::{
    age::PluginIdentity,
    at_hand::KeysAtHand,
    failure::EntryFailure,
    notice::Notice,
    problem::{Cause, Place, Problem},
    programs::{command::KeyCommand, gpg::Gpg},
    recovery::DataKeyRecovery,
};

/// The keys of this host, ready to open files.
#[derive(Default)]
pub struct Keyring {
    pub(crate) hand: KeysAtHand,
    pub(crate) plugins: Vec<(PluginIdentity, Place)>,
    pub(crate) commands: Vec<KeyCommand>,
    pub(crate) gpg: Option<Gpg>,
    /// Why gpg is not asked again in this run.
    pub(crate) gpg_is_given_up: Option<EntryFailure>,
    pub(crate) may_ask: bool,
    pub(crate) timeout: Duration,
    /// When the time for all programs together is over. `None` if a person may be asked: then only each program has a limit.
    pub(crate) late_at: Option<Instant>,
    pub(crate) notices: Vec<Notice>,
    /// Every key source, or part of one, that gave no key, including those without a notice.
    pub(crate) problems: Vec<Problem>,
    /// The sources that nobody set: default places, such as the host keys of sshd.
    pub(crate) unasked: Vec<Place>,
    /// Whether a recipient longer than a line was already shown in full in this run, for somebody to copy.
    pub(crate) has_shown_long: AtomicBool,
}

impl Keyring {
    /// What a person should hear about the sources, in the order in which they were read. Each is told once.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// Whether somebody set the source that has this problem.
    pub(crate) fn is_set(&self, problem: &Problem) -> bool {
        !self.unasked.contains(&problem.place.source())
    }

    /// The keys in memory as they are now.
    #[must_use]
    pub fn at_hand(&self) -> KeysAtHand {
        self.hand.clone()
    }

    /// Tries the keys at hand on a file.
    pub fn open(&self, recovery: &mut DataKeyRecovery) {
        self.hand.open(recovery);
    }

    /// Ends the daemons that were started to open files, such as a gpg-agent.
    pub fn dismiss_programs(&mut self) {
        if let Some(gpg) = &mut self.gpg {
            gpg.end_services();
        }
    }

    /// The plugins that this host has identities of, in the order in which they are first named.
    pub(crate) fn plugin_names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for (identity, _) in &self.plugins {
            if !names.iter().any(|name| name == identity.plugin()) {
                names.push(identity.plugin().to_owned());
            }
        }
        names
    }

    /// Records that `place` gave no key, and adds a notice about it.
    pub(crate) fn report(&mut self, place: Place, cause: Cause) {
        let problem = Problem { place, cause };
        if problem.cause == Cause::PublicSshKey {
            // Anybody may read a public key, so the mode of its file needs no warning.
            self.notices
                .retain(|notice| !matches!(notice, Notice::Exposed { path, .. } if Place::File(path.clone()) == problem.place));
        }
        if !self.problems.contains(&problem) {
            self.notices.push(Notice::Unusable(problem.clone()));
            self.problems.push(problem);
        }
    }
}
