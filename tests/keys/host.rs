//! Hosts, described by their keys.

use std::path::{Path, PathBuf};

use age_core::primitives::bech32_encode;
use bech32::Hrp;
use serde_json::{Value, json};

use crate::common::{Manifest, Said, World};
use crate::fixture;

/// A host, described by its keys. Each method adds a key.
#[derive(Default, Clone)]
pub struct Host {
    /// Lines of the file with age identities.
    identities: String,
    /// SSH keys, by their paths in the fixtures.
    ssh: Vec<&'static str>,
    /// OpenPGP keys of the `GnuPG` home, by their names in the fixtures. An empty name stands for a new key.
    gnupg: Vec<&'static str>,
    /// Other files of the fixtures. The first text is the name that the file gets in the world.
    inputs: Vec<(&'static str, &'static str)>,
    /// Scripts that replace programs. They come first in the search path.
    scripts: Vec<(&'static str, &'static str)>,
    fields: Vec<(&'static str, Value)>,
    variables: Vec<(&'static str, String)>,
}

/// A host in a world, ready to run.
pub struct Ready {
    /// The world.
    pub world: World,
    /// A manifest that names the keys, and has no secrets.
    pub manifest: Manifest,
    /// The environment variables of the host.
    pub variables: Vec<(&'static str, String)>,
}

/// An identity of the age plugin for tests. The plugin does `actions`.
pub fn plugin_identity(name: &str, actions: &[&str]) -> String {
    let payload = [&[name], actions].concat().join("\n");
    bech32_encode(Hrp::parse("age-plugin-test-").unwrap(), payload.as_bytes()).to_uppercase()
}

impl Host {
    /// A host without keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the age identities in a file of the fixtures.
    pub fn age(self, key: &str) -> Self {
        let text = std::fs::read_to_string(fixture(&format!("keys/{key}"))).unwrap();
        self.identity(text.lines().last().unwrap())
    }

    /// Adds an age identity.
    pub fn identity(mut self, text: &str) -> Self {
        self.identities += text;
        self.identities.push('\n');
        self
    }

    /// Adds an SSH key of the fixtures.
    pub fn ssh(mut self, key: &'static str) -> Self {
        self.ssh.push(key);
        self
    }

    /// Adds an OpenPGP key of the fixtures to a `GnuPG` home. If the name is empty, adds a new key.
    pub fn gnupg(mut self, key: &'static str) -> Self {
        self.gnupg.push(key);
        self
    }

    /// Adds a file of the fixtures, under the name `name`. No key source names the file yet.
    pub fn input(mut self, name: &'static str, file: &'static str) -> Self {
        self.inputs.push((name, file));
        self
    }

    /// Adds a command that prints a key of the fixtures. The environment variable `variable` has the command.
    pub fn printed(self, variable: &'static str, key: &'static str) -> Self {
        self.input("printed", key).variable(variable, "cat $DIR/printed")
    }

    /// Adds a shell script in place of a program.
    pub fn script(mut self, name: &'static str, text: &'static str) -> Self {
        self.scripts.push((name, text));
        self
    }

    /// Adds a field to the manifest.
    pub fn field(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    /// Adds an environment variable. In its value, `$DIR` stands for the world's directory.
    pub fn variable(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    /// Adds all keys of another host.
    pub fn and(mut self, other: Self) -> Self {
        self.identities += &other.identities;
        self.ssh.extend(other.ssh);
        self.gnupg.extend(other.gnupg);
        self.inputs.extend(other.inputs);
        self.scripts.extend(other.scripts);
        self.fields.extend(other.fields);
        self.variables.extend(other.variables);
        self
    }

    /// Makes a world of its own for the host, with a plain user. If a program is missing, prints that, and returns `None`.
    pub fn ready(&self) -> Option<Ready> {
        self.ready_in(World::user())
    }

    /// Puts the host into this world.
    pub fn ready_in(&self, world: World) -> Option<Ready> {
        let mut manifest = world.manifest().without("ageKeyFile").without("logging");
        if !self.identities.is_empty() {
            let path = world.write("keys.txt", &self.identities);
            manifest = manifest.with("ageKeyFile", json!(path));
        }
        if !self.ssh.is_empty() {
            let paths: Vec<_> = self.ssh.iter().map(|key| copy(&world, key)).collect();
            manifest = manifest.with("ageSshKeyPaths", json!(paths));
        }
        let mut variables = vec![("PATH", world.path_with_plugin())];
        if !self.gnupg.is_empty() {
            let home = gnupg_home(&world, &self.gnupg)?;
            // A manifest must not name both a `GnuPG` home and a file of identities.
            if self.identities.is_empty() {
                manifest = manifest.with("gnupgHome", json!(home));
            } else {
                variables.push(("GNUPGHOME", home.display().to_string()));
            }
        }
        let dir = world.input("").display().to_string();
        for (name, text) in &self.scripts {
            world.script(name, &format!("#!/bin/sh\n{}\n", text.replace("$DIR/", &dir)));
        }
        for (name, file) in &self.inputs {
            world.write(name, std::fs::read(fixture(file)).unwrap());
        }
        for (name, value) in &self.fields {
            manifest = manifest.with(name, value.clone());
        }
        let of_world = |(name, value): &(_, String)| (*name, value.replace("$DIR/", &dir));
        variables.extend(self.variables.iter().map(of_world));
        Some(Ready {
            world,
            manifest,
            variables,
        })
    }
}

impl Ready {
    /// Adds secrets that are whole files. Each secret has the name of its file.
    pub fn with_files<'f>(mut self, files: impl IntoIterator<Item = &'f PathBuf>) -> Self {
        for path in files {
            let name = path.file_name().unwrap().to_str().unwrap();
            self.manifest = self.manifest.secret(name, path, "");
        }
        self
    }

    /// Runs the program.
    pub fn run(&self) -> Said {
        self.world
            .run_with(&self.manifest, |command| command.envs(self.variables.iter().cloned()))
    }

    /// Makes a dry run.
    pub fn run_dry(&self) -> Said {
        self.world.run_with(&self.manifest, |command| {
            let command = command.envs(self.variables.iter().cloned());
            command.env("NIXOS_ACTION", "dry-activate")
        })
    }

    /// The content that is published under `name`.
    pub fn published(&self, name: &str) -> Option<Vec<u8>> {
        let user = self.world.input("home/.config/sops-nix/secrets").join(name);
        let system = self.world.path("/run/secrets.d/1").join(name);
        std::fs::read(user).or_else(|_| std::fs::read(system)).ok()
    }

    /// The output of a run, and the names of the programs that it starts.
    pub fn started(&self) -> (Said, Vec<String>) {
        let (said, calls) = self.trace(&["-e", "trace=execve", "-s", "300"]);
        let started = calls.iter().filter(|call| call.succeeded());
        let names = started.filter_map(|call| Some(call.paths().first()?.rsplit_once('/')?.1.to_owned()));
        (said, names.collect())
    }

    /// Runs the program under strace.
    pub fn trace(&self, options: &[&str]) -> (Said, Vec<crate::common::Call>) {
        let variables: Vec<_> = self.variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.world.trace(&self.manifest, options, &variables)
    }
}

/// A copy of a key that only the program's user can read.
fn copy(world: &World, key: &str) -> PathBuf {
    let name = Path::new(key).file_name().unwrap().to_str().unwrap();
    world.write(name, std::fs::read(fixture(key)).unwrap())
}

fn gnupg_home(world: &World, keys: &[&str]) -> Option<PathBuf> {
    let of_fixtures: Vec<_> = keys.iter().copied().filter(|key| !key.is_empty()).collect();
    let home = world.gnupg_home(&of_fixtures)?;
    if of_fixtures.len() < keys.len() {
        let user = "Other <other@example.invalid>";
        let make = format!("gpg --batch --passphrase '' --quick-generate-key '{user}' future-default default never");
        world.gnupg(&home, &make);
        world.end_gnupg(&home);
    }
    Some(home)
}
