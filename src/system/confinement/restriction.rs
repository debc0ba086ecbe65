//! What is taken from that thread.

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, LandlockStatus, Ruleset, RulesetAttr as _, RulesetError, RulesetStatus, Scope,
};
use rustix::{
    io,
    thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities},
};

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"))]
use super::system_calls;

/// Confines the current thread for good, as far as that is possible.
pub(crate) fn restrict() {
    // If the kernel does not have or does not allow one of the three, the others still hold, so errors are ignored. The filter
    // comes last, because it must refuse more if Landlock does not protect files.
    let has_landlock = restrict_access().unwrap_or(false);
    let _ = drop_capabilities();
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"))]
    let _ = system_calls::refuse(has_landlock);
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
    let _ = has_landlock;
}

/// Restricts the current thread by landlock(7). It cannot write, make, remove or execute a file, control a device, use a TCP
/// port, send a signal to another process or connect to an abstract socket of one. It can still read, and use sockets that have a
/// name in the file system, because messages go to the journal through one.
///
/// Returns whether files are protected. Before Linux 6.2 they are not, because Landlock does not keep them from being truncated.
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

/// Drops all capabilities of root but the one to read files that belong to others; capabilities(7). This is `DAC_READ_SEARCH`,
/// which does not allow writing. A container may have only `DAC_OVERRIDE`, so that is the second choice.
pub(crate) fn drop_capabilities() -> io::Result<()> {
    let held = capabilities(None)?.effective;
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
