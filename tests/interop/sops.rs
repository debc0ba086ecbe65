//! Runs the real sops, with the test key of the fixtures, and without the home of a user.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

use crate::document::{Document, Format};

/// A sops program, and the directory in which it runs.
pub struct Sops {
    program: PathBuf,
    directory: tempfile::TempDir,
}

impl Sops {
    /// The program that `SOPS` names. Without this variable, the program on `PATH`. `None` if there is none.
    pub fn find() -> Option<Self> {
        let program = env::var_os("SOPS").map(PathBuf::from).or_else(|| on_path("sops"))?;
        let directory = tempfile::tempdir().unwrap();
        Some(Self { program, directory })
    }

    /// A path for a file that only this value uses.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Encrypts a document to a new file. Returns the reason if sops refuses the document.
    pub fn encrypt(&self, document: &Document, plain: &[u8], encrypted: &Path) -> Result<(), String> {
        let source = self.file("plain");
        fs::write(&source, plain).unwrap();
        let config = self.file("rules.yaml");
        fs::write(&config, creation_rule(document)).unwrap();
        let output = self.run(
            document.format,
            &["--config".as_ref(), config.as_ref(), "encrypt".as_ref()],
            &source,
        );
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        fs::write(encrypted, output.stdout).unwrap();
        Ok(())
    }

    /// The text that sops prints for an encrypted file. If sops fails, its error in one line.
    pub fn decrypt(&self, format: Format, encrypted: &Path) -> Result<Vec<u8>, String> {
        let output = self.run(format, &["decrypt".as_ref()], encrypted);
        if output.status.success() {
            return Ok(output.stdout);
        }
        let complaint = String::from_utf8_lossy(&output.stderr);
        Err(complaint.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// The value at a path of map keys, as `sops decrypt --extract` prints it. `None` if sops does not find it.
    pub fn extract(&self, format: Format, encrypted: &Path, keys: &[String]) -> Option<Vec<u8>> {
        let path = keys.iter().fold(String::new(), |path, key| format!("{path}[\"{key}\"]"));
        let output = self.run(
            format,
            &[
                "decrypt".as_ref(),
                "--ignore-mac".as_ref(),
                "--extract".as_ref(),
                path.as_ref(),
            ],
            encrypted,
        );
        output.status.success().then_some(output.stdout)
    }

    /// The list or map at a path of map keys, as `sops decrypt --extract` prints it in another format. `None` if sops does not find it.
    pub fn part(&self, format: Format, encrypted: &Path, keys: &[String], form: &str) -> Option<Vec<u8>> {
        let path = keys.iter().fold(String::new(), |path, key| format!("{path}[\"{key}\"]"));
        let types = ["--input-type", format.name(), "--output-type", form];
        let arguments = ["decrypt", "--ignore-mac", "--extract", &path];
        let arguments: Vec<_> = arguments.into_iter().chain(types).map(OsStr::new).collect();
        let output = self.command(&arguments, encrypted);
        output.status.success().then_some(output.stdout)
    }

    /// The first document of an encrypted file as JSON, so that only the values count and not their spelling.
    pub fn values(&self, format: Format, encrypted: &Path) -> Option<Vec<u8>> {
        let arguments = [
            "decrypt",
            "--ignore-mac",
            "--input-type",
            format.name(),
            "--output-type",
            "json",
        ];
        let output = self.command(&arguments.map(OsStr::new), encrypted);
        // sops prints the float -0.0 as `-0`, and reads that as the integer 0.
        let minus_zero = regex::bytes::Regex::new(r"(?m)([\t ])-0(,?)$").unwrap();
        output
            .status
            .success()
            .then(|| minus_zero.replace_all(&output.stdout, &b"${1}0$2"[..]).into_owned())
    }

    fn run(&self, format: Format, arguments: &[&OsStr], file: &Path) -> Output {
        let types = ["--input-type", format.name(), "--output-type", format.name()].map(OsStr::new);
        self.command(&[arguments, &types].concat(), file)
    }

    fn command(&self, arguments: &[&OsStr], file: &Path) -> Output {
        let mut command = self.program(self.directory.path());
        command.args(arguments).arg(file).output().unwrap()
    }

    /// Runs sops in a directory.
    pub fn within(&self, directory: &Path, arguments: &[&str]) -> Output {
        self.program(directory).args(arguments).output().unwrap()
    }

    /// Types a line in a shell that finds this sops, with an answer on standard input.
    pub fn type_in(&self, directory: &Path, line: &str, answer: &str) {
        let output = self.typed(directory, line, answer);
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// What comes of a line that somebody types in a directory, with an answer to all questions.
    pub fn typed(&self, directory: &Path, line: &str, answer: &str) -> Output {
        let place = self.program.parent().unwrap().display();
        let script = format!("export PATH={place}:{}; printf '{answer}' | {{ {line}; }}", env!("PATH"));
        self.among(Command::new("sh").args(["-c", &script]), directory)
            .output()
            .unwrap()
    }

    fn program(&self, directory: &Path) -> Command {
        let mut command = Command::new(&self.program);
        self.among(&mut command, directory);
        command
    }

    /// Nothing of whoever runs the tests is known to the command.
    fn among<'c>(&self, command: &'c mut Command, directory: &Path) -> &'c mut Command {
        command
            .current_dir(directory)
            .env_clear()
            .env("HOME", self.directory.path())
            .env("XDG_CONFIG_HOME", self.directory.path())
            .env("SOPS_AGE_KEY_FILE", key_file())
            .env("SOPS_DISABLE_VERSION_CHECK", "1")
    }
}

/// The file of the age identity that opens all files of these tests.
pub fn key_file() -> PathBuf {
    fixtures().join("keys/age.txt")
}

/// The directory of the fixtures.
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn on_path(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|directory| directory.join(name))
        .find(|file| file.is_file())
}

fn creation_rule(document: &Document) -> String {
    let key = fs::read_to_string(key_file()).unwrap();
    let recipient = key.lines().find_map(|line| line.strip_prefix("# public key: ")).unwrap();
    let mut rule = serde_json::json!({ "age": recipient });
    if let Some((field, value)) = document.rule.selection {
        rule[field] = value.into();
    }
    if document.rule.mac_only_encrypted {
        rule["mac_only_encrypted"] = true.into();
    }
    // Every JSON text is also YAML, and in JSON quotes need no special care.
    serde_json::json!({ "creation_rules": [rule] }).to_string()
}
