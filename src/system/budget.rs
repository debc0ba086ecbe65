//! The time limits of the parts of a run.
//!
//! Each part has a limit, so the whole run has a limit. With this limit, a boot goes on even if somebody has changed a sops file
//! to delay the boot.
//!
//! The systemd units of the Nix modules have a time limit above the sum of these limits. `nixos-module/deadline.nix` has the same
//! figures.

use std::time::Duration;

/// The time to find the size of one sops file. The sizes decide in which order the files are decrypted.
pub const SIZE: Duration = Duration::from_millis(250);
/// The time for one sops file: to read it, open it with the keys at hand, decrypt it, and find the cause of a failure.
pub const FILE: Duration = Duration::from_secs(30);
/// The time for all sops files together.
pub const FILES: Duration = Duration::from_secs(90);
/// The time for one answer of gpg, an age plugin or a key command, if the manifest has no `keyTimeout`.
pub const PROGRAM: Duration = Duration::from_secs(30);
/// The time for all calls of gpg, age plugins and key commands together, as a multiple of the time for one answer (`keyTimeout`).
/// The time in which a person answers a question of a program does not count.
pub const PROGRAMS: u32 = 2;
/// The time for one key file or template file when the time for all files of its kind is used up. A file on a local disk can be
/// read in this time.
pub const QUICK: Duration = Duration::from_millis(250);
/// The time for all files of one kind (key files or template files) after the run was told to end. Files that can be read in this
/// time are still used.
pub const GRACE: Duration = Duration::from_secs(2);
/// The time for all key files together.
pub const KEY_FILES: Duration = Duration::from_secs(15);
/// The time for all template files together.
pub const TEMPLATE_FILES: Duration = Duration::from_secs(15);
/// The time to wait until another run has ended.
pub const LOCK: Duration = Duration::from_mins(1);
/// The time for all unit requests together. systemd only queues the requests, and nobody waits until the units have restarted.
pub const REQUESTS: Duration = Duration::from_mins(1);
/// The time to wait for the ledger, which only runs of other phases use, and `sops-nix forget`. It is a part of the half minute that a unit
/// has for writing.
pub const LEDGER: Duration = Duration::from_secs(5);

/// The time for the check of one template.
pub const CHECK: Duration = Duration::from_secs(30);
/// The time for the checks of all templates together. With it, a run may wait for another run once more. A unit has this time only if
/// there is a check.
pub const CHECKS: Duration = Duration::from_mins(1);

/// The longest time of a run without checks: the sum of the limits of its parts. `key_timeout` is the time for one answer of a program.
/// Two times are not included: the short time to write the secrets, of which [`LEDGER`] is a part, and the time [`QUICK`] for each file
/// that is read after the time for its kind is used up.
#[must_use]
pub fn run(key_timeout: Duration) -> Duration {
    FILES + key_timeout * PROGRAMS + KEY_FILES + TEMPLATE_FILES + LOCK + REQUESTS
}
