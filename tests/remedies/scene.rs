//! A host, and a person who repairs it with sops and a shell.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::common::{Manifest, Said, World, has};

/// The recipient of the test key that most hosts in these tests have.
pub const RECIPIENT: &str = "age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u";
/// The recipient of another test key.
pub const OTHER: &str = "age1ckje58egddjgc73tl3uvd3arzmnndgca45npyezu37h8zsz8m9jsdqwf05";

/// A host, and a person who repairs it.
pub struct Scene {
    pub world: World,
    pub manifest: Manifest,
    /// The environment variables of the program.
    variables: Vec<(&'static str, String)>,
    /// The environment variables of the person.
    own: Vec<(&'static str, String)>,
}

impl Scene {
    /// A host in user mode with an age key. The person has the same key, and a `.sops.yaml` that names its recipient. `None` if
    /// sops is not installed.
    pub fn new() -> Option<Self> {
        Self::within(World::user())
    }

    /// A host in system mode, on which root runs the program.
    pub fn system() -> Option<Self> {
        Self::within(World::system()?)
    }

    fn within(world: World) -> Option<Self> {
        if !has("sops") || !has("bash") {
            return None;
        }
        let manifest = world.manifest().without("logging");
        let key = world.input("age.txt").display().to_string();
        let editor = world.script("editor", "#!/bin/sh\ncat \"$REPLACEMENT\" > \"$1\"\n");
        let scene = Self {
            manifest,
            variables: Vec::new(),
            own: vec![
                ("SOPS_AGE_KEY_FILE", key),
                ("EDITOR", editor.join("editor").display().to_string()),
                ("SOPS_DISABLE_VERSION_CHECK", "1".to_owned()),
                // The person may be root, although the directory belongs to the user. git refuses such a directory without this
                // setting.
                ("GIT_CONFIG_COUNT", "1".to_owned()),
                ("GIT_CONFIG_KEY_0", "safe.directory".to_owned()),
                ("GIT_CONFIG_VALUE_0", "*".to_owned()),
                ("HOME", world.input("home").display().to_string()),
            ],
            world,
        };
        scene.recipients(&[RECIPIENT]);
        Some(scene)
    }

    /// Writes a `.sops.yaml` that names these age recipients.
    pub fn recipients(&self, recipients: &[&str]) {
        let rule = json!({"creation_rules": [{"age": recipients.join(",")}]});
        self.world.write(".sops.yaml", rule.to_string());
    }

    /// Encrypts a file by sops.
    pub fn encrypted(&self, name: &str, plain: &str) -> PathBuf {
        let path = self.world.write(name, plain);
        self.types(&format!("sops encrypt --in-place '{}'", path.display()));
        path
    }

    /// Declares a secret. `fields` has further fields.
    pub fn declare(&mut self, path: &Path, key: &str, fields: Value) {
        self.manifest = self.manifest.clone().secret_with("s", path, key, fields);
    }

    /// Changes a field of the secret.
    pub fn redeclare(&mut self, field: &str, value: impl Into<Value>) {
        self.manifest.value()["secrets"][0][field] = value.into();
    }

    /// Sets a field of the manifest.
    pub fn set(&mut self, field: &str, value: impl Into<Value>) {
        self.manifest = self.manifest.clone().with(field, value);
    }

    /// Removes a field from the manifest.
    pub fn unset(&mut self, field: &str) {
        self.manifest = self.manifest.clone().without(field);
    }

    /// Sets a variable of the program.
    pub fn variable(&mut self, name: &'static str, value: &str) {
        self.variables.retain(|(other, _)| *other != name);
        self.variables.push((name, value.to_owned()));
    }

    /// Sets a variable of the person.
    pub fn own_variable(&mut self, name: &'static str, value: &str) {
        self.own.retain(|(other, _)| *other != name);
        self.own.push((name, value.to_owned()));
    }

    /// Sets the text that the person will write in the editor.
    pub fn will_write(&mut self, text: &str) {
        let path = self.world.write("replacement", text);
        self.own_variable("REPLACEMENT", &path.display().to_string());
    }

    /// Runs the program.
    pub fn run(&self) -> Said {
        self.world
            .run_with(&self.manifest, |command| command.envs(self.variables.iter().cloned()))
    }

    /// Runs the program, which must print `words`. Returns the line with these words, with real paths.
    pub fn says(&self, words: &str) -> String {
        let said = self.run();
        let dir = self.world.input("").display().to_string();
        let dir = dir.trim_end_matches('/');
        let line = said.err.lines().find(|line| line.contains(words));
        line.unwrap_or_else(|| panic!("{words:?} is not in {said:?}"))
            .replace("$DIR", dir)
    }

    /// Runs the program, which must print no error or warning.
    pub fn is_mended(&self) {
        let said = self.run();
        assert_eq!(said.code, Some(0), "{said:?}");
    }

    /// Runs the program, which must not print `words` any more.
    pub fn no_longer_says(&self, words: &str) {
        let said = self.run();
        assert!(!said.err.contains(words), "{words:?} is in {said:?}");
    }

    /// Runs the command at the end of a line.
    pub fn does(&self, line: &str) {
        self.types(command(line));
    }

    /// Runs the command at the end of a line. The command needs `.sops.yaml`, so it must fail in `/`, and succeed in the directory
    /// that the line names.
    pub fn does_by_rules(&self, line: &str, place: &str, with: impl FnOnce(&str) -> String) {
        assert!(line.contains(&format!("{place} run: ")), "{line}");
        let command = with(command(line));
        let elsewhere = self.tries_in(Path::new("/"), &command);
        assert!(elsewhere.err.contains("config file not found"), "{command}: {elsewhere:?}");
        self.types(&command);
    }

    /// Types a command, which must succeed.
    pub fn types(&self, command: &str) -> String {
        let said = self.tries(command);
        assert_eq!(said.code, Some(0), "{command}: {said:?}");
        said.out
    }

    /// Types a command, as the user who runs the tests: the program's user may not be able to reach sops.
    pub fn tries(&self, command: &str) -> Said {
        self.tries_in(&self.world.input(""), command)
    }

    /// Types a command in another directory.
    pub fn tries_in(&self, directory: &Path, command: &str) -> Said {
        let line = format!("cd '{}' && {command}", directory.display());
        let mut shell = self.world.as_tester("bash");
        shell.args(["-c", &line]).envs(self.own.iter().cloned());
        let said = self.world.finish(&mut shell);
        self.world.give_all();
        said
    }

    /// The published content of the only secret.
    pub fn secret(&self) -> String {
        let link = self.manifest.field("symlinkPath").unwrap().as_str().unwrap();
        self.world.read(&format!("{link}/s"))
    }
}

/// Changes the text of a file.
pub fn change(path: &Path, change: impl FnOnce(String) -> String) {
    let text = fs::read_to_string(path).unwrap();
    let changed = change(text.clone());
    assert_ne!(text, changed, "nothing was changed");
    fs::write(path, changed).unwrap();
}

/// The command at the end of a line.
pub fn command(line: &str) -> &str {
    let marks = ["run: ", "run where it was built from: "];
    let starts = marks.iter().filter_map(|mark| Some(line.find(mark)? + mark.len()));
    &line[starts.max().unwrap_or_else(|| panic!("no command: {line}"))..]
}
