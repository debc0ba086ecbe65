//! What other programs know: key commands, age plugins, gpg. They are started for files alone that the keys at hand do not open.

use std::collections::HashMap;

use super::{
    Failure, Keyring, Opening,
    age::{self, Message},
    command::Prints,
    opening::Spot,
    plugin::{self, Asking, PluginIdentity},
};
use crate::{plaintext::Plaintext, sops::metadata::MasterKey};

/// A message that a plugin is asked about, and where it stands.
struct Asked {
    opening: usize,
    spot: Spot,
    message: Message,
}

impl Keyring {
    /// Opens what is still closed with the help of other programs: key commands, since they give keys like those at hand, then
    /// plugins, each started once for all files, then gpg. Nothing is started for a file that is open.
    pub fn open_with_programs(&mut self, openings: &mut [&mut Opening]) {
        for opening in openings.iter_mut() {
            self.open_with_commands(opening);
        }
        self.open_with_plugins(openings);
        for opening in openings.iter_mut() {
            self.open_with_gpg(opening);
        }
    }

    /// Runs the key commands for one recipient after the other until the file is open.
    fn open_with_commands(&mut self, opening: &mut Opening) {
        if self.commands.is_empty() {
            return;
        }
        // An earlier file may have brought a key of this one.
        self.open(opening);
        for recipient in closed_recipients(opening) {
            if opening.is_open() {
                return;
            }
            self.run_commands(&recipient);
            self.open(opening);
        }
    }

    fn run_commands(&mut self, recipient: &str) {
        let mut commands = std::mem::take(&mut self.commands);
        for command in &mut commands {
            let place = command.place();
            match (command.run(recipient, self.patience), command.prints) {
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

    /// Starts each plugin at most once, for all messages that are closed by then.
    fn open_with_plugins(&mut self, openings: &mut [&mut Opening]) {
        for name in self.plugin_names() {
            let asked = closed_messages(openings);
            if asked.is_empty() {
                return;
            }
            let mut answers = self.ask_plugin(&name, asked);
            for (number, opening) in openings.iter_mut().enumerate() {
                opening.advance(|spot, _| answers.remove(&(number, spot)));
            }
        }
    }

    /// The plugins that this host has identities of, in the order in which they are first named.
    pub(super) fn plugin_names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for (identity, _) in &self.plugins {
            if !names.iter().any(|name| name == identity.plugin()) {
                names.push(identity.plugin().to_owned());
            }
        }
        names
    }

    /// What the plugin `name` makes of all these messages.
    fn ask_plugin(&mut self, name: &str, asked: Vec<Asked>) -> HashMap<(usize, Spot), Result<Plaintext, Failure>> {
        let identities: Vec<&PluginIdentity> = self.plugins.iter().map(|(identity, _)| identity).collect();
        let identities: Vec<_> = identities.into_iter().filter(|identity| identity.plugin() == name).collect();
        let stanzas: Vec<_> = asked.iter().map(|asked| asked.message.stanzas()).collect();
        let asking = if self.may_ask { Asking::Terminal } else { Asking::Nobody };
        let answers = plugin::unwrap(name, &identities, &stanzas, &asking, self.patience);
        let open = |(asked, answer): (Asked, Result<_, plugin::PluginFailure>)| {
            let opened = match answer {
                Ok(file_key) => asked.message.open_with(file_key),
                Err(failure) => Err(failure.into()),
            };
            ((asked.opening, asked.spot), opened)
        };
        asked.into_iter().zip(answers).map(open).collect()
    }

    /// Asks gpg about one message after the other. Once it is not there, or hangs, it is not asked again.
    fn open_with_gpg(&mut self, opening: &mut Opening) {
        let Some(gpg) = self.gpg.take() else { return };
        let given_up = &mut self.gpg_is_given_up;
        opening.advance(|_, key| match key {
            MasterKey::Pgp { encrypted, .. } => Some(match given_up.clone() {
                Some(failure) => Err(failure),
                None => gpg.open(encrypted).map_err(|failure| {
                    let is_final = failure.is_final();
                    let told = Failure::from(failure);
                    *given_up = is_final.then(|| told.clone());
                    told
                }),
            }),
            _ => None,
        });
        self.gpg = Some(gpg);
    }
}

/// The age recipients of closed entries.
fn closed_recipients(opening: &Opening) -> Vec<String> {
    let closed = opening.closed().into_iter();
    closed
        .filter_map(|(_, key)| match key {
            MasterKey::Age { recipient, .. } => Some(recipient.clone()),
            _ => None,
        })
        .collect()
}

/// The age messages of closed entries.
fn closed_messages(openings: &[&mut Opening]) -> Vec<Asked> {
    let mut messages = Vec::new();
    for (number, opening) in openings.iter().enumerate() {
        for (spot, key) in opening.closed() {
            if let MasterKey::Age { encrypted, .. } = key {
                messages.extend(Message::parse(encrypted).ok().map(|message| Asked {
                    opening: number,
                    spot,
                    message,
                }));
            }
        }
    }
    messages
}
