//! A mount namespace that lives as long as the test.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::is_root;

/// A process in a mount namespace of its own. `/run`, `/etc`, `/var/lib` and all places for temporary files are small and new there, so a test
/// finds everything that the program leaves.
///
/// The process ends when its standard input is closed, so also when the test is killed. All its mounts end with it.
pub struct Namespace {
    keeper: Child,
}

/// The script that prepares the namespace. The current NixOS system is found below `/run`, because its programs are on `PATH`.
const SCRIPT: &str = r#"
system=$(readlink /run/current-system || :)
mount -n -t tmpfs -o mode=755 tmpfs /run
mount -n -t tmpfs -o mode=755 tmpfs /etc
mount -n -t tmpfs -o mode=755 tmpfs /var/lib
mount -n -t tmpfs -o mode=1777 tmpfs /dev/shm
mkdir -m 1777 "$1/var-tmp" "$1/tmp"
mount -n --bind "$1/var-tmp" /var/tmp
kept() { echo "/run/kept-$(echo "$1" | tr / -)"; }
for place; do
    mkdir "$(kept "$place")"
    mount -n --bind "$place" "$(kept "$place")"
done
mount -n --bind "$1/tmp" /tmp
for place; do
    case $place in /tmp/*) mkdir -p "$place"; mount -n --bind "$(kept "$place")" "$place"; esac
    umount -n "$(kept "$place")"
    rmdir "$(kept "$place")"
done
[ -z "$system" ] || ln -s "$system" /run/current-system
cat > /etc/passwd << 'END'
root:x:0:0::/root:/bin/sh
alice:x:1000:1000::/home/alice:/bin/sh
nobody:x:65534:65534::/:/bin/false
END
cat > /etc/group << 'END'
root:x:0:
web:x:60:
keys:x:96:
alice:x:1000:
nogroup:x:65534:
END
printf 'passwd: files\ngroup: files\n' > /etc/nsswitch.conf
echo ready
exec cat
"#;

impl Namespace {
    /// Makes a namespace. Returns the reason if there can be none. Three directories keep their paths in the namespace: `dir`, the
    /// project, and the directory of `program`. Temporary files are written to a directory in `dir`.
    pub fn new(dir: &Path, program: &Path) -> Result<Self, &'static str> {
        if !is_root() {
            return Err("needs root");
        }
        let mut keeper = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "sh", "-ec", SCRIPT, "sh"])
            .args([dir, program.parent().unwrap(), Path::new(env!("CARGO_MANIFEST_DIR"))])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|_| "needs unshare")?;
        let mut answer = String::new();
        BufReader::new(keeper.stdout.as_mut().unwrap())
            .read_line(&mut answer)
            .unwrap();
        let namespace = Self { keeper };
        if answer == "ready\n" {
            Ok(namespace)
        } else {
            Err("needs root, with leave to mount")
        }
    }

    /// The path by which the tests reach `path` of the namespace.
    pub fn path(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{path}", self.keeper.id()))
    }

    /// A program that runs in the namespace.
    pub fn enter(&self, program: &OsStr) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--mount=/proc/{}/ns/mnt", self.keeper.id()))
            .arg("--")
            .arg(program);
        command
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}
