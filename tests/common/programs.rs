//! Programs that hold keys, such as gpg, and the homes and search paths that they need.

use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::{World, fixtures, has};

impl World {
    /// Makes a `GnuPG` home with these keys of the fixtures, without an agent. If gpg is not installed, prints that, and returns
    /// `None`.
    pub fn gnupg_home(&self, keys: &[&str]) -> Option<PathBuf> {
        if !has("gpg") {
            return None;
        }
        let home = self.input("gnupg");
        fs::create_dir(&home).unwrap();
        fs::set_permissions(&home, Permissions::from_mode(0o700)).unwrap();
        self.give(&home);
        for key in keys {
            let key = self.fixture(&format!("keys/{key}"));
            self.gnupg(&home, &format!("gpg --batch --quiet --import '{}'", key.display()));
        }
        self.end_gnupg(&home);
        Some(home)
    }

    /// Ends the daemons of a `GnuPG` home, and waits until they have ended, because `gpgconf` does not wait.
    pub fn end_gnupg(&self, home: &Path) {
        let agent = "\"$(gpgconf --list-dirs agent-socket)\"";
        self.gnupg(
            home,
            &format!("gpgconf --kill all; timeout 30 bash -c 'while [ -e \"$1\" ]; do sleep 0.02; done' _ {agent}"),
        );
    }

    /// Runs a line of shell as the program's user, with the programs of `GnuPG` and this home.
    pub fn gnupg(&self, home: &Path, line: &str) -> String {
        self.shell(&format!("export GNUPGHOME='{}'; {line} 2>/dev/null", home.display()))
    }

    /// A search path that has the age plugin for tests at a place that the program's user can reach. The usual search path follows.
    pub fn path_with_plugin(&self) -> String {
        let text = fs::read_to_string(fixtures().join("../plugin/age-plugin-test")).unwrap();
        let bin = self.script("age-plugin-test", &text);
        let path = env::var("PATH").unwrap_or_default();
        format!("{}:{path}", bin.display())
    }
}
