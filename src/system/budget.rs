//! How long the parts of a run may take. Each part has a limit, so the whole run has one, and a boot goes on whatever somebody
//! has put into a sops file.
//!
//! The units of the Nix modules allow more than the sum: `nixos-module/deadline.nix` has the same figures.

use std::time::Duration;

/// Asking for the size of one sops file, which decides when the file has its turn.
pub const SIZE: Duration = Duration::from_millis(250);
/// One sops file: reading, opening with the keys at hand, decrypting, and explaining why not.
pub const FILE: Duration = Duration::from_secs(30);
/// All sops files together.
pub const FILES: Duration = Duration::from_secs(90);
/// One answer of gpg, an age plugin or a key command, unless `keyTimeout` says otherwise.
pub const PROGRAM: Duration = Duration::from_secs(30);
/// The time of all programs together, as a multiple of the time of one (`keyTimeout`). The time that a person takes to answer
/// does not count.
pub const PROGRAMS: u32 = 2;
/// One key file, or one file of a template, when the time for all of them is used up. It is enough for a file on a local disk.
pub const QUICK: Duration = Duration::from_millis(250);
/// All key files together, and all files of templates together, once the run was told to end. What can be read this quickly is
/// still published.
pub const GRACE: Duration = Duration::from_secs(2);
/// All key files.
pub const KEY_FILES: Duration = Duration::from_secs(15);
/// All files of templates.
pub const TEMPLATE_FILES: Duration = Duration::from_secs(15);
/// Waiting for another run to end.
pub const LOCK: Duration = Duration::from_mins(1);
/// All unit requests together. systemd only has to queue the jobs; nobody waits for them to finish.
pub const REQUESTS: Duration = Duration::from_mins(1);

/// The longest time of a run: the sum of all parts. Writing the secrets takes moments and comes on top.
#[must_use]
pub fn run(key_timeout: Duration) -> Duration {
    FILES + key_timeout * PROGRAMS + KEY_FILES + TEMPLATE_FILES + LOCK + REQUESTS
}
