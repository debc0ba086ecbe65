//! The shared files of AWS: `~/.aws/config` and `~/.aws/credentials`.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::{
    environment::Environment,
    fault::Fault,
    trusted_file::{self, Writer},
};

/// The settings of one profile.
pub(crate) type Profile = BTreeMap<String, Zeroizing<String>>;

/// The profiles of both files. What the file with credentials says goes first.
pub(crate) struct Profiles {
    by_name: BTreeMap<String, Profile>,
    /// The files that were looked into, with what came of it, for messages.
    pub places: Vec<String>,
}

impl Profiles {
    /// Reads the files that `AWS_CONFIG_FILE` and `AWS_SHARED_CREDENTIALS_FILE` name, or else those in the home directory.
    ///
    /// # Errors
    ///
    /// If a file is there and cannot be read.
    pub(crate) fn read(environment: &Environment) -> Result<Self, Fault> {
        let mut profiles = Self {
            by_name: BTreeMap::new(),
            places: Vec::new(),
        };
        profiles.add("AWS_CONFIG_FILE", ".aws/config", environment)?;
        profiles.add("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", environment)?;
        Ok(profiles)
    }

    /// The profile `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&Profile> {
        self.by_name.get(name)
    }

    fn add(&mut self, variable: &str, in_home: &str, environment: &Environment) -> Result<(), Fault> {
        let named = environment.get(variable).map(ToOwned::to_owned);
        let Some(path) = named.or_else(|| environment.in_home(in_home)) else {
            self.places.push(format!("~/{in_home} (HOME is not set)"));
            return Ok(());
        };
        // A profile may name a program that prints credentials.
        match trusted_file::read(&path, Writer::Reader) {
            Ok(text) => {
                self.merge(&text, in_home == ".aws/config");
                self.places.push(path);
            }
            Err(why) if why.is_missing() => self.places.push(format!("{path} (not there)")),
            Err(why) => return Err(why.fault(&path, "")),
        }
        Ok(())
    }

    /// Adds the sections of `text`. In the file `config`, sections of profiles other than `default` are called `profile NAME`, and others are no
    /// profiles. Indented lines are settings of a setting, which nothing here needs.
    fn merge(&mut self, text: &str, is_config: bool) {
        let mut section = None;
        for line in text.lines() {
            if let Some(name) = heading(line) {
                section = profile_name(name, is_config);
            } else if let (Some(name), Some((key, value))) = (&section, setting(line)) {
                let profile = self.by_name.entry(name.clone()).or_default();
                profile.insert(key, Zeroizing::new(value.to_owned()));
            }
            if let Some(name) = &section {
                self.by_name.entry(name.clone()).or_default();
            }
        }
    }
}

fn heading(line: &str) -> Option<&str> {
    line.strip_prefix('[')?.split_once(']').map(|(name, _)| name.trim())
}

fn profile_name(section: &str, is_config: bool) -> Option<String> {
    match section.split_once([' ', '\t']) {
        Some(("profile", name)) if is_config => Some(name.trim().trim_matches(['"', '\'']).to_owned()),
        Some(_) => None,
        None if is_config && section != "default" => None,
        None => Some(section.to_owned()),
    }
}

fn setting(line: &str) -> Option<(String, &str)> {
    if line.starts_with([' ', '\t', '#', ';']) {
        return None;
    }
    let (key, value) = line.split_once('=')?;
    // A comment needs a space before it: secret halves may have these characters.
    let end = [" #", " ;", "\t#", "\t;"].iter().filter_map(|mark| value.find(mark)).min();
    Some((
        key.trim().to_ascii_lowercase(),
        value.get(..end.unwrap_or(value.len()))?.trim(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(config: &str, credentials: &str) -> Profiles {
        let mut profiles = Profiles {
            by_name: BTreeMap::new(),
            places: Vec::new(),
        };
        profiles.merge(config, true);
        profiles.merge(credentials, false);
        profiles
    }

    fn value<'a>(profiles: &'a Profiles, name: &str, key: &str) -> Option<&'a str> {
        profiles.get(name)?.get(key).map(|value| value.as_str())
    }

    #[test]
    fn credentials_go_before_the_configuration() {
        let both = merged(
            "[default]\nregion = eu-west-1\naws_access_key_id=A\n[profile prod]\n role_arn=x\nROLE_ARN = r # why\n[other]\na=b\n[sso-session s]\nc=d",
            "# no\n[default]\naws_access_key_id = B\naws_secret_access_key = a#b;c=d\n[other]\ne=f",
        );
        assert_eq!(value(&both, "default", "aws_access_key_id"), Some("B"));
        assert_eq!(value(&both, "default", "aws_secret_access_key"), Some("a#b;c=d"));
        assert_eq!(value(&both, "default", "region"), Some("eu-west-1"));
        assert_eq!(value(&both, "prod", "role_arn"), Some("r"));
        assert_eq!(value(&both, "other", "e"), Some("f"));
        assert_eq!(value(&both, "other", "a"), None);
        assert!(both.get("s").is_none());
    }
}
