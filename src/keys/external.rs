//! Opens files with keys that other programs hold. Key commands, age plugins, gpg and key services are asked about files that the
//! keys at hand do not open.

use std::{
    collections::HashMap,
    path::PathBuf,
    time::{Duration, Instant},
};

use age_core::format::Stanza;

use super::{
    age::{self, AgeMessage},
    failure::EntryFailure,
    group::EntryIndex,
    holder::Holder,
    keyring::Keyring,
    place::Place,
    problem::Cause,
    programs::{
        command::Prints,
        gpg::Gpg,
        plugin::{self, Asking, PluginFailure},
    },
    recovery::DataKeyRecovery,
};
use crate::{
    sops::metadata::MasterKey,
    system::{budget, plaintext::Plaintext, progress::during},
};

/// An age message that a plugin is asked about, with its file, its recipient entry and its recipient.
struct Asked {
    file: usize,
    name: String,
    index: EntryIndex,
    recipient: String,
    message: AgeMessage,
}

impl Asked {
    /// The failure of this entry if `plugin` failed with `failure`. If `plugin` cannot have the key of this recipient, the result
    /// is [`EntryFailure::NotOurs`].
    fn failure(&self, plugin: &str, failure: &PluginFailure) -> EntryFailure {
        match Holder::of(&self.recipient).may_be(plugin) {
            true if failure.is_not_held() => EntryFailure::NotHeldByProgram(failure.to_string()),
            true => EntryFailure::ProgramFailed(failure.to_string()),
            false => EntryFailure::NotOurs,
        }
    }
}

impl Keyring {
    /// Asks other programs to open the files that are still closed.
    ///
    /// Key commands come first, since the keys that they print become keys at hand. Age plugins come second; each is started once
    /// for all files. gpg comes third. Key services come last, because they may be slow and far away; they are asked once for all files.
    /// No program is started for a file that is already open.
    pub fn open_with_programs(&mut self, recoveries: &mut [&mut DataKeyRecovery]) {
        // If nobody may be asked, as at boot, all programs together have one deadline, so that the boot goes on. If a person may be
        // asked, there is no common deadline: each program has only its own limit.
        self.late_at = (!self.may_ask).then(|| Instant::now() + self.timeout * budget::PROGRAMS);
        for recovery in recoveries.iter_mut() {
            self.open_with_commands(recovery);
        }
        self.open_with_plugins(recoveries);
        for recovery in recoveries.iter_mut() {
            self.open_with_gpg(recovery);
        }
        self.open_with_key_services(recoveries);
    }

    /// The time that the next program may take: the time for one program, but at most the time that is left for all programs
    /// together.
    ///
    /// # Errors
    ///
    /// [`EntryFailure::OutOfTime`] if less than a second is left.
    pub(crate) fn time_left(&self) -> Result<Duration, EntryFailure> {
        let left = self.late_at.map(|late_at| late_at.saturating_duration_since(Instant::now()));
        match left.map_or(self.timeout, |left| left.min(self.timeout)) {
            // A program cannot start and answer in less than a second, so it is not started.
            left if left < Duration::from_secs(1) => Err(EntryFailure::OutOfTime(
                "not asked: the programs before it used up the time; raise sops.keyTimeout",
            )),
            left => Ok(left),
        }
    }

    /// Runs the key commands for each recipient of the file whose recipient entry is still closed, one recipient after the other.
    /// Stops when the file is open.
    fn open_with_commands(&mut self, recovery: &mut DataKeyRecovery) {
        if self.commands.is_empty() {
            return;
        }
        // A command that ran for an earlier file may have printed a key that opens this file too.
        self.open_with_new_keys(recovery);
        for recipient in closed_recipients(recovery) {
            if recovery.is_open() {
                return;
            }
            self.run_commands(&recipient);
            self.open_with_new_keys(recovery);
        }
    }

    /// Tries the keys at hand on the file again if keys were added since the last time.
    fn open_with_new_keys(&self, recovery: &mut DataKeyRecovery) {
        if recovery.tried != self.hand.count() {
            self.open(recovery);
        }
    }

    /// Runs each key command for `recipient`, and adds the keys that the commands print to the keys at hand.
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

    /// Starts the plugins one after the other, each at most once. Each plugin is asked about all age messages that are still
    /// closed.
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

    /// Asks the plugin `name` about all messages in `asked`. Gives a data key, a share or a failure for each message. The result
    /// is indexed by the file and the recipient entry of the message.
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
        let files = names(asked.iter().map(|asked| asked.name.as_str()));
        let what = awaited(&format!("age-plugin-{name}"), &files);
        let answers = plugin::unwrap(name, what, &identities, &stanzas, &asking, timeout, self.hides_credentials());
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

    /// Asks gpg about one OpenPGP message after the other. If the failure of gpg shows that gpg would fail for every other message
    /// too, gpg is not asked again.
    fn open_with_gpg(&mut self, recovery: &mut DataKeyRecovery) {
        let Some(gpg) = self.gpg.take() else { return };
        let file = recovery.file.clone();
        recovery.advance(|_, key| match key {
            MasterKey::Pgp { encrypted, .. } => Some(self.ask_gpg(&gpg, encrypted, &file)),
            _ => None,
        });
        self.gpg = Some(gpg);
    }

    fn ask_gpg(&mut self, gpg: &Gpg, encrypted: &str, file: &str) -> Result<Plaintext, EntryFailure> {
        if let Some(failure) = &self.gpg_is_given_up {
            return Err(failure.clone());
        }
        let timeout = self.time_left()?;
        let answer = during(awaited("gpg", file), || gpg.open(encrypted, timeout));
        answer.map_err(|failure| {
            let is_final = failure.is_final();
            let told = EntryFailure::from(failure);
            self.gpg_is_given_up = is_final.then(|| told.clone());
            told
        })
    }
}

/// What is waited for while `program` is asked for the keys of `files`. What a person has to do comes first: a boot screen cuts the end.
fn awaited(program: &str, files: &str) -> String {
    format!("{program} (if the key is on a token, touch the token), which is asked for the key of {files}")
}

/// The names of files, each once: three of them, and how many more.
pub(crate) fn names<'n>(files: impl Iterator<Item = &'n str>) -> String {
    const SHOWN: usize = 3;
    let mut files: Vec<_> = files.collect();
    files.dedup();
    let more = files.len().saturating_sub(SHOWN);
    let shown = files.into_iter().take(SHOWN).collect::<Vec<_>>().join(", ");
    if more == 0 {
        shown
    } else {
        format!("{shown} and {more} more")
    }
}

/// The key source to name in the message about a failed plugin. A failure does not say which identity of the plugin is meant. So
/// with several identities, the source of the first one is named, without a line number.
fn common_place(places: &[Place]) -> Place {
    match places {
        [only] => only.clone(),
        several => several.first().map_or(Place::File(PathBuf::new()), Place::source),
    }
}

/// The age recipients of the closed recipient entries of a file.
fn closed_recipients(recovery: &DataKeyRecovery) -> Vec<String> {
    let closed = recovery.closed().into_iter();
    closed
        .filter_map(|(_, key)| match key {
            MasterKey::Age { recipient, .. } => Some(recipient.clone()),
            _ => None,
        })
        .collect()
}

/// The age messages of all closed recipient entries, each with the stanzas of its header.
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
                        name: recovery.file.clone(),
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
