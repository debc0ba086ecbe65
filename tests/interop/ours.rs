//! Runs this program: many secrets in each run, as a plain user, into a temporary directory.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use serde_json::{Value, json};

use crate::document::Format;
use crate::sops::key_file;

/// A time that is longer than any run of these tests. A run that takes longer is stuck.
const DEADLINE: Duration = Duration::from_mins(2);

/// The secrets of one run.
#[derive(Default)]
pub struct Batch {
    secrets: Vec<Value>,
}

/// The result of a run.
pub struct Installed {
    directory: tempfile::TempDir,
    /// What the program printed, and how it ended.
    pub output: Output,
}

impl Batch {
    /// Adds a secret: the value of a file at `key`, or the whole file if `key` is empty. Returns the number by which its content is
    /// found.
    pub fn add(&mut self, file: &Path, format: Format, key: &str) -> usize {
        let number = self.secrets.len();
        self.secrets
            .push(json!({ "name": number.to_string(), "key": key, "sopsFile": file, "format": format.name(), "mode": "0600" }));
        number
    }

    /// Adds the part of a file at `key`, in a form.
    pub fn add_part(&mut self, file: &Path, format: Format, key: &str, form: &str) -> usize {
        let number = self.add(file, format, key);
        self.secrets[number]["as"] = json!(form);
        number
    }

    /// Runs the program once.
    pub fn install(mut self) -> Installed {
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("secrets");
        for secret in &mut self.secrets {
            secret["path"] = json!(link.join(secret["name"].as_str().unwrap()));
        }
        let manifest = json!({
            "version": 1, "secrets": self.secrets, "templates": [], "placeholderBySecretName": {},
            "secretsMountPoint": directory.path().join("secrets.d"), "symlinkPath": link, "keepGenerations": 1,
            "sshKeyPaths": [], "gnupgHome": null, "ageKeyFile": private_key(directory.path()), "ageSshKeyPaths": [],
            "userMode": true, "logging": { "keyImport": false, "secretChanges": false },
        });
        let file = directory.path().join("manifest.json");
        fs::write(&file, manifest.to_string()).unwrap();
        let output = run(&file, directory.path());
        Installed { directory, output }
    }
}

impl Installed {
    /// The content of a secret; `None` if the secret was not installed.
    pub fn content(&self, number: usize) -> Option<Vec<u8>> {
        fs::read(self.link().join(number.to_string())).ok()
    }

    /// What the program said about its failures.
    pub fn complaints(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    fn link(&self) -> PathBuf {
        self.directory.path().join("secrets")
    }
}

/// A copy of the key that nobody else may read. Git does not keep such a mode.
fn private_key(directory: &Path) -> PathBuf {
    let file = directory.join("key.txt");
    fs::copy(key_file(), &file).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    file
}

fn run(manifest: &Path, home: &Path) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sops-install-secrets"))
        .arg(manifest)
        .env_clear()
        .env("HOME", home)
        .env("XDG_RUNTIME_DIR", home)
        .stdout(fs::File::create(home.join("stdout")).unwrap())
        .stderr(fs::File::create(home.join("stderr")).unwrap())
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > DEADLINE {
            child.kill().unwrap();
        }
        thread::sleep(Duration::from_millis(2));
    };
    Output {
        status,
        stdout: fs::read(home.join("stdout")).unwrap(),
        stderr: fs::read(home.join("stderr")).unwrap(),
    }
}
