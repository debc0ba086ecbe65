//! Keys that other programs hold: key commands, age plugins and gpg are asked about files that the keys at hand do not open.

use std::{
    collections::HashMap,
    path::PathBuf,
    time::{Duration, Instant},
};

use age_core::format::Stanza;

use super::{
    age::{self, AgeMessage},
    failure::EntryFailure,
    holder::Holder,
    keyring::Keyring,
    problem::{Cause, Place},
    programs::{
        command::Prints,
        gpg::Gpg,
        plugin::{self, Asking, PluginFailure},
    },
    recovery::{DataKeyRecovery, EntryIndex},
};
use crate::{
    sops::metadata::MasterKey,
    system::{budget, plaintext::Plaintext},
};

/// A message that a plugin is asked about: in which file and entry it is, and for whom.
struct Asked {
    file: usize,
    index: EntryIndex,
    recipient: String,
    message: AgeMessage,
}

impl Asked {
    /// The failure of this entry if `plugin` failed with `failure`. If that plugin cannot have the key of the entry, the failure is only
    /// that the message is for another key.
    fn failure(&self, plugin: &str, failure: &PluginFailure) -> EntryFailure {
        match Holder::of(&self.recipient).may_be(plugin) {
            true if failure.is_not_held() => EntryFailure::NotHeldByProgram(failure.to_string()),
            true => EntryFailure::ProgramFailed(failure.to_string()),
            false => EntryFailure::NotOurs,
        }
    }
}

impl Keyring {
    /// Opens files that are still closed with the help of other programs. Key commands come first, since the keys that they give are tried
    /// like those at hand; then plugins, each started once for all files; then gpg. No program is started for a file that is open.
    pub fn open_with_programs(&mut self, recoveries: &mut [&mut DataKeyRecovery]) {
        // If a person may be asked, there is no common deadline. A boot needs one, since it must go on.
        self.late_at = (!self.may_ask).then(|| Instant::now() + self.timeout * budget::PROGRAMS);
        for recovery in recoveries.iter_mut() {
            self.open_with_commands(recovery);
        }
        self.open_with_plugins(recoveries);
        for recovery in recoveries.iter_mut() {
            self.open_with_gpg(recovery);
        }
    }

    /// The time for the next program: the time for one program, but no more than is left for all programs together.
    fn time_left(&self) -> Result<Duration, EntryFailure> {
        let left = self.late_at.map(|late_at| late_at.saturating_duration_since(Instant::now()));
        match left.map_or(self.timeout, |left| left.min(self.timeout)) {
            // No program starts and answers in less than a second.
            left if left < Duration::from_secs(1) => Err(EntryFailure::ProgramFailed(
                "not asked: earlier programs took all the time; raise sops.keyTimeout".to_owned(),
            )),
            left => Ok(left),
        }
    }

    /// Runs the key commands for one recipient after the other until the file is open.
    fn open_with_commands(&mut self, recovery: &mut DataKeyRecovery) {
        if self.commands.is_empty() {
            return;
        }
        // A command that ran for an earlier file may have given a key that opens this one.
        self.open_with_new_keys(recovery);
        for recipient in closed_recipients(recovery) {
            if recovery.is_open() {
                return;
            }
            self.run_commands(&recipient);
            self.open_with_new_keys(recovery);
        }
    }

    /// Tries the keys that were added, if some were.
    fn open_with_new_keys(&self, recovery: &mut DataKeyRecovery) {
        if recovery.tried != self.hand.count() {
            self.open(recovery);
        }
    }

    /// Runs each key command for `recipient`, and adds the keys that it prints to those at hand.
    fn run_commands(&mut self, recipient: &str) {
        let mut commands = std::mem::take(&mut self.commands);
        for command in &mut commands {
            let Ok(timeout) = self.time_left() else { break };
            let place = command.place();
            match (command.run(recipient, timeout), command.prints) {
                (None, _) => {}
                (Some(Err(cause)), _) => self.report(place, cause),
                (Some(Ok(text)), Prints::SshKey) => self.add_ssh_key(&place, &text, false),
                (Some(Ok(text)), Prints::Identities) => match age::foreign_content(text.expose()) {
                    Some(cause) => self.report(place, cause),
                    None => self.add_identities(&place, age::lines(text.expose())),
                },
            }
        }
        self.commands = commands;
    }

    /// Starts each plugin at most once, for all age messages that are still closed when its turn comes.
    fn open_with_plugins(&mut self, recoveries: &mut [&mut DataKeyRecovery]) {
        for name in self.plugin_names() {
            let asked = closed_messages(recoveries);
            if asked.is_empty() {
                return;
            }
            let mut answers = self.ask_plugin(&name, asked);
            for (number, recovery) in recoveries.iter_mut().enumerate() {
                recovery.advance(|index, _| answers.remove(&(number, index)));
            }
        }
    }

    /// Asks the plugin `name` about all these messages. Gives a data key, a share or a failure for each entry, by the index of its file and
    /// its own.
    fn ask_plugin(
        &mut self,
        name: &str,
        asked: Vec<(Asked, Vec<Stanza>)>,
    ) -> HashMap<(usize, EntryIndex), Result<Plaintext, EntryFailure>> {
        let timeout = match self.time_left() {
            Ok(timeout) => timeout,
            Err(failure) => {
                let indices = asked.into_iter().map(|(asked, _)| (asked.file, asked.index));
                return indices.map(|index| (index, Err(failure.clone()))).collect();
            }
        };
        let ours = self.plugins.iter().filter(|(identity, _)| identity.plugin() == name);
        let (identities, places): (Vec<_>, Vec<_>) = ours.map(|(identity, place)| (identity, place.clone())).unzip();
        let (asked, stanzas): (Vec<_>, Vec<_>) = asked.into_iter().unzip();
        let asking = if self.may_ask { Asking::Terminal } else { Asking::Nobody };
        let answers = plugin::unwrap(name, &identities, &stanzas, &asking, timeout);
        let mut opened = HashMap::new();
        for (asked, answer) in asked.into_iter().zip(answers) {
            let answer = match answer {
                Ok(file_key) => asked.message.open_with(file_key),
                Err(failure) => {
                    if !failure.is_not_held() {
                        self.report(common_place(&places), Cause::Program(failure.to_string()));
                    }
                    Err(asked.failure(name, &failure))
                }
            };
            opened.insert((asked.file, asked.index), answer);
        }
        opened
    }

    /// Asks gpg about one OpenPGP message after the other. Once gpg is missing or does not answer in time, it is not asked again.
    fn open_with_gpg(&mut self, recovery: &mut DataKeyRecovery) {
        let Some(gpg) = self.gpg.take() else { return };
        recovery.advance(|_, key| match key {
            MasterKey::Pgp { encrypted, .. } => Some(self.ask_gpg(&gpg, encrypted)),
            _ => None,
        });
        self.gpg = Some(gpg);
    }

    fn ask_gpg(&mut self, gpg: &Gpg, encrypted: &str) -> Result<Plaintext, EntryFailure> {
        if let Some(failure) = &self.gpg_is_given_up {
            return Err(failure.clone());
        }
        gpg.open(encrypted, self.time_left()?).map_err(|failure| {
            let is_final = failure.is_final();
            let told = EntryFailure::from(failure);
            self.gpg_is_given_up = is_final.then(|| told.clone());
            told
        })
    }
}

/// The source to name if a plugin failed. A failure does not say which of several identities it is about, so then the source of the first
/// is named, without a line.
fn common_place(places: &[Place]) -> Place {
    match places {
        [only] => only.clone(),
        several => several.first().map_or(Place::File(PathBuf::new()), Place::source),
    }
}

/// The age recipients of closed entries.
fn closed_recipients(recovery: &DataKeyRecovery) -> Vec<String> {
    let closed = recovery.closed().into_iter();
    closed
        .filter_map(|(_, key)| match key {
            MasterKey::Age { recipient, .. } => Some(recipient.clone()),
            _ => None,
        })
        .collect()
}

/// The age messages of closed entries, with their stanzas.
fn closed_messages(recoveries: &[&mut DataKeyRecovery]) -> Vec<(Asked, Vec<Stanza>)> {
    let mut messages = Vec::new();
    for (file, recovery) in recoveries.iter().enumerate() {
        for (index, key) in recovery.closed() {
            let MasterKey::Age { recipient, encrypted } = key else {
                continue;
            };
            let Ok(message) = AgeMessage::parse(encrypted) else { continue };
            let recipient = recipient.clone();
            if let Some(stanzas) = message.stanzas() {
                messages.push((
                    Asked {
                        file,
                        index,
                        recipient,
                        message,
                    },
                    stanzas,
                ));
            }
        }
    }
    messages
}
