//! Holds all keys of this host.

use std::{
    sync::atomic::AtomicBool,
    time::{Duration, Instant},
};

use super::{
    age::PluginIdentity,
    at_hand::KeysAtHand,
    failure::EntryFailure,
    notice::Notice,
    place::Place,
    problem::{Cause, Problem},
    programs::{command::KeyCommand, gpg::Gpg},
    recovery::DataKeyRecovery,
    sources::{KeyServices, ServiceReach},
};

/// All keys of this host that a run has loaded or can ask other programs for.
#[derive(Default)]
pub struct Keyring {
    /// The keys that this process itself holds in memory.
    pub(crate) hand: KeysAtHand,
    /// The identities that only a plugin can use, each with its key source.
    pub(crate) plugins: Vec<(PluginIdentity, Place)>,
    /// The commands that print keys.
    pub(crate) commands: Vec<KeyCommand>,
    /// The gpg program with its home. `None` if gpg is not used.
    pub(crate) gpg: Option<Gpg>,
    /// The failure because of which gpg is not asked again in this run. `None` if gpg may be asked.
    pub(crate) gpg_is_given_up: Option<EntryFailure>,
    /// How key services are asked. `None` if none is asked.
    pub(crate) key_services: Option<KeyServices>,
    /// Whether this run asks them.
    pub(crate) reach: ServiceReach,
    /// Whether the key file that may come late is not there yet.
    pub(crate) awaits_key_file: bool,
    /// Whether a plugin or gpg may ask a person.
    pub(crate) may_ask: bool,
    /// How long each single run of a key command, a plugin or gpg may take.
    pub(crate) timeout: Duration,
    /// The time at which all programs together must have ended. `None` if a person may be asked: then each single program has only
    /// its own limit.
    pub(crate) late_at: Option<Instant>,
    /// The messages about key sources that were not taken out yet.
    pub(crate) notices: Vec<Notice>,
    /// Every key source, or part of one, that gave no key. The list includes problems for which there is no notice.
    pub(crate) problems: Vec<Problem>,
    /// The key sources that nobody set: default files that are missing, and the caller's own keys.
    pub(crate) unasked: Vec<Place>,
    /// Whether the run has already shown a very long recipient in full, for somebody to copy. Later messages shorten such
    /// recipients.
    pub(crate) has_shown_long: AtomicBool,
}

impl Keyring {
    /// Takes out the messages about the key sources, in the order in which the sources were read. Each message is given only
    /// once.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// Whether somebody set the key source of this problem. Returns `false` for a missing default file, and for the caller's own
    /// keys.
    pub(crate) fn is_set(&self, problem: &Problem) -> bool {
        !self.unasked.contains(&problem.place.source())
    }

    /// The keys that this process holds in memory at this moment.
    #[must_use]
    pub fn at_hand(&self) -> KeysAtHand {
        self.hand.clone()
    }

    /// Tries the keys at hand on one file.
    pub fn open(&self, recovery: &mut DataKeyRecovery) {
        self.hand.open(recovery);
    }

    /// Ends the daemons that this run started to open files, such as gpg-agent.
    pub fn dismiss_programs(&mut self) {
        if let Some(gpg) = &mut self.gpg {
            gpg.end_services();
        }
    }

    /// Whether plugins do not get what identifies this host to key services.
    pub(crate) fn hides_credentials(&self) -> bool {
        self.key_services.as_ref().is_some_and(|services| services.hides_credentials)
    }

    /// The names of the plugins for which this host has identities, each once, in the order of the identities.
    pub(crate) fn plugin_names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for (identity, _) in &self.plugins {
            if !names.iter().any(|name| name == identity.plugin()) {
                names.push(identity.plugin().to_owned());
            }
        }
        names
    }

    /// Records that the key source `place` gave no key, and adds a notice about the cause. A problem that is already recorded is
    /// not added again.
    pub(crate) fn report(&mut self, place: Place, cause: Cause) {
        let problem = Problem { place, cause };
        if problem.cause == Cause::PublicSshKey {
            // Everybody may read a public key. So the earlier warning about the mode of the file is removed.
            self.notices
                .retain(|notice| !matches!(notice, Notice::Exposed { path, .. } if Place::File(path.clone()) == problem.place));
        }
        if !self.problems.contains(&problem) {
            self.notices.push(Notice::Unusable(problem.clone()));
            self.problems.push(problem);
        }
    }
}
