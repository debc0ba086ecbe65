//! How long the parts of a run may take. Each is bounded, so the run is: a boot goes on, whatever somebody has put into a sops file.
//!
//! The units of the Nix modules give more than the sum: `nixos-module/deadline.nix` has the same figures.

use std::time::Duration;

/// The size of one sops file, which says when its turn is.
pub const SIZE: Duration = Duration::from_millis(250);
/// One sops file: reading, opening with the keys at hand, decrypting, and explaining why not.
pub const FILE: Duration = Duration::from_secs(30);
/// All sops files together.
pub const FILES: Duration = Duration::from_secs(90);
/// One answer of gpg, an age plugin or a key command, where `keyTimeout` does not say otherwise.
pub const PROGRAM: Duration = Duration::from_secs(30);
/// How many times the time of one program (`keyTimeout`) all programs together have, where nobody is asked.
pub const PROGRAMS: u32 = 2;
/// A key file, or the file of a template, when the time for all of them is over: enough for one on a local disk.
pub const QUICK: Duration = Duration::from_millis(250);
/// The same files, all of a kind together, once the run was told to end: what is ready is still published, if that takes moments.
pub const GRACE: Duration = Duration::from_secs(2);
/// All key files.
pub const KEY_FILES: Duration = Duration::from_secs(15);
/// All files of templates.
pub const TEMPLATE_FILES: Duration = Duration::from_secs(15);
/// Waiting for another run.
pub const LOCK: Duration = Duration::from_mins(1);
/// systemd, for all requests together: to queue the jobs, not to wait for them.
pub const REQUESTS: Duration = Duration::from_mins(1);

/// All of that. What writes secrets takes moments, and comes on top.
#[must_use]
pub fn run(key_timeout: Duration) -> Duration {
    FILES + key_timeout * PROGRAMS + KEY_FILES + TEMPLATE_FILES + LOCK + REQUESTS
}
