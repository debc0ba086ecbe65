//! Takes rights from the current thread: capabilities, access to files by Landlock, and system calls.

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, LandlockStatus, Ruleset, RulesetAttr as _, RulesetError, RulesetStatus, Scope,
};
use rustix::{
    io,
    thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities},
};

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"))]
use super::system_calls;

/// Confines the current thread permanently, as far as the kernel allows.
pub(crate) fn restrict() {
    // Errors are ignored: if the kernel lacks or forbids one of the three restrictions, the other two still hold. The filter is
    // installed last, because it must refuse more system calls if Landlock does not protect files.
    let has_landlock = restrict_access().unwrap_or(false);
    let _ = drop_capabilities();
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"))]
    let _ = system_calls::refuse(has_landlock);
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
    let _ = has_landlock;
}

/// Restricts the current thread by landlock(7).
///
/// The thread can then not write, make, remove or execute a file, control a device, or use a TCP port. The thread can send no signal
/// to another process, and connect to no abstract socket of another process. The thread can still read files. It can also use sockets
/// with a name in the file system, because messages reach the journal through such a socket.
///
/// Returns whether Landlock protects files. Before Linux 6.2, Landlock cannot forbid truncation, so files are not protected.
pub(crate) fn restrict_access() -> Result<bool, RulesetError> {
    let status = Ruleset::default()
        .handle_access(AccessFs::from_write(ABI::V5) | AccessFs::Execute)?
        .handle_access(AccessNet::from_all(ABI::V4))?
        .scope(Scope::from_all(ABI::V6))?
        .create()?
        .restrict_self()?;
    let has_truncation = matches!(status.landlock, LandlockStatus::Available { effective_abi, .. } if effective_abi >= ABI::V3);
    Ok(has_truncation && status.ruleset != RulesetStatus::NotEnforced)
}

/// Drops all capabilities of root but one, which allows reading files that belong to others (capabilities(7)).
///
/// The first choice is `DAC_READ_SEARCH`, which does not allow writing. The second choice is `DAC_OVERRIDE`, because some
/// containers do not have the first.
pub(crate) fn drop_capabilities() -> io::Result<()> {
    let held = capabilities(None)?.effective;
    // Key files and sops files may belong to other users, so this capability is kept. `DAC_OVERRIDE` also allows writing, which
    // Landlock or the filter of system calls then refuses.
    let reading = [CapabilitySet::DAC_READ_SEARCH, CapabilitySet::DAC_OVERRIDE];
    let kept = reading
        .into_iter()
        .find(|one| held.contains(*one))
        .unwrap_or(CapabilitySet::empty());
    let sets = CapabilitySets {
        effective: kept,
        permitted: kept,
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, sets)
}
