//! What is taken from that thread.

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, LandlockStatus, Ruleset, RulesetAttr as _, RulesetError, RulesetStatus, Scope,
};
use rustix::{
    io,
    thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities},
};

use super::system_calls;

/// Takes from this thread, for good, what can be taken.
pub(crate) fn restrict() {
    // What the kernel does not have or does not allow leaves the others: there is nothing to do about it here, and nothing to decide.
    let has_landlock = restrict_access().unwrap_or(false);
    let _ = drop_capabilities();
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"))]
    let _ = system_calls::refuse(has_landlock);
}

/// No file is written, made, removed or executed, no device is told anything, no TCP port is used, and no process outside hears of us;
/// landlock(7). Not restricted are reading, and sockets with a name in the file system: messages go to the journal by one.
///
/// Gives whether files stay as they are: before Linux 6.2 they could be cut off.
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

/// Leaves of root's capabilities the one to read what belongs to others; capabilities(7). Containers may have `DAC_OVERRIDE` for it alone.
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
