//! Whether this host could open a sops file, by the recipients that the configuration says it has. A build has no private key to try.

use crate::{
    keys::{
        SshRecipients, public_key,
        report::recipient::{shown_age, shown_key},
    },
    manifest::Manifest,
    sops::{
        creation_rules::RuleRecipient,
        metadata::{KeyGroup, KeyGroups, MasterKey},
    },
    text::identity::has_identity,
};

/// The recipients of a host, in every form that a sops file may name: an SSH key is also the recipients that it is converted to.
pub(crate) struct HostRecipients {
    /// As the configuration has them.
    listed: Vec<String>,
    /// All forms.
    forms: Vec<String>,
    /// Whether key services are asked.
    asks_services: bool,
}

impl HostRecipients {
    /// `None` if the configuration does not say which recipients the host has.
    pub(crate) fn new(manifest: &Manifest) -> Option<Self> {
        let listed = &manifest.host_recipients;
        let forms = listed.iter().flat_map(|recipient| forms(recipient)).collect();
        (!listed.is_empty()).then(|| Self {
            listed: listed.clone(),
            forms,
            asks_services: manifest.key_services.is_some(),
        })
    }

    /// Explains why the host could not open a file with these key groups. `None` if it could. `run` gives the words that tell a
    /// person to run sops with arguments.
    pub(crate) fn explain(&self, key_groups: &KeyGroups, run: &dyn Fn(&str) -> String) -> Option<String> {
        let groups = &key_groups.groups;
        let open = groups.iter().filter(|group| self.opens(group)).count();
        let needed = key_groups.needed();
        if open >= needed {
            return None;
        }
        let first = match groups.len() {
            0 | 1 => "  this file can be opened by:".to_owned(),
            count => format!("  {needed} of its {count} key groups are needed, and this host opens {open}:"),
        };
        let rows = (1..)
            .zip(groups)
            .map(|(number, group)| self.rows(number, group, groups.len() > 1));
        let listed = self.listed.iter().map(|recipient| format!("    {}\n", shown_age(recipient)));
        Some(format!(
            "{first}\n{}  sops.hostRecipients has:\n{}  hint: add {} to .sops.yaml, {}",
            rows.collect::<String>(),
            listed.collect::<String>(),
            self.wanted(groups.len() > 1),
            run("updatekeys")
        ))
    }

    /// What has to be added for the host.
    fn wanted(&self, are_groups: bool) -> String {
        if are_groups {
            return "a recipient of this host in another key group".to_owned();
        }
        let first = self.forms.iter().find(|recipient| !has_identity(recipient));
        first.map_or_else(|| "a recipient of this host".to_owned(), |recipient| shown_age(recipient))
    }

    fn opens(&self, group: &KeyGroup) -> bool {
        group.keys.iter().any(|key| self.has(key))
    }

    fn has(&self, key: &MasterKey) -> bool {
        match key {
            MasterKey::Age { recipient: name, .. } | MasterKey::Pgp { fingerprint: name, .. } => {
                self.forms.contains(&normalized(name))
            }
            // A build cannot know what a service allows, so the configuration has to list the key.
            MasterKey::Remote(key) => self.asks_services && self.listed.iter().any(|listed| listed.trim() == key.name()),
        }
    }

    /// The lines of one key group.
    fn rows(&self, number: usize, group: &KeyGroup, is_numbered: bool) -> String {
        let state = if self.opens(group) { "  (open)" } else { "" };
        let head = if is_numbered {
            format!("    group {number}{state}\n")
        } else {
            String::new()
        };
        let indent = if is_numbered { "      " } else { "    " };
        let rows = group.keys.iter().map(|key| format!("{indent}{}\n", row(key)));
        head + &rows.collect::<String>()
    }
}

fn row(key: &MasterKey) -> String {
    let RuleRecipient { kind, name } = RuleRecipient::from(key);
    let (kind, shown) = shown_key(kind, &name);
    format!("{kind}  {shown}")
}

/// All forms of a recipient of the host, the form that stands below `age` first.
fn forms(recipient: &str) -> Vec<String> {
    let Some(found) = ssh_recipients(recipient) else {
        return vec![normalized(recipient)];
    };
    [found.age, found.ssh, found.pgp].into_iter().flatten().collect()
}

/// A recipient in the one spelling that is compared: comments of SSH keys, and the case of fingerprints, do not count.
fn normalized(recipient: &str) -> String {
    let recipient = recipient.trim();
    match ssh_recipients(recipient).and_then(|found| found.ssh) {
        Some(ssh) => ssh,
        // The names of keys of services have slashes or colons.
        None if recipient.starts_with("age1") || recipient.contains([':', '/']) => recipient.to_owned(),
        None => recipient.replace(' ', "").to_uppercase(),
    }
}

/// The recipients that an SSH public key stands for. `None` if the text is none.
fn ssh_recipients(recipient: &str) -> Option<SshRecipients> {
    SshRecipients::of_line(&public_key(recipient.trim())?).ok()
}
