//! The search path of the installer, in which it finds gpg and the plugins of age.

use std::{env, os::unix::process::CommandExt as _, process::Command};

use super::installation;
use crate::{program::environment::Environment, system::root::Root};

/// Starts this command again with the search path of the installer, if the scripts of the host name directories that the path of this
/// process does not have. Otherwise a plugin would seem to be missing that the installer finds. Returns if there is nothing to add, or
/// if this cannot be done.
pub(crate) fn adopt(root: &Root) {
    // A relative or empty directory is one of the current directory, in which anybody may have put programs.
    let own = env::var_os("PATH").unwrap_or_default();
    let own: Vec<_> = env::split_paths(&own).filter(|directory| directory.is_absolute()).collect();
    let installations = installation::of_own(root, &Environment::read());
    let named = installations.iter().flat_map(|installation| &installation.call.search_path);
    let new: Vec<_> = named.filter(|directory| !own.contains(directory)).cloned().collect();
    if new.is_empty() {
        return;
    }
    let mut arguments = env::args_os();
    let name = arguments.next().unwrap_or_default();
    if let Ok(path) = env::join_paths(new.into_iter().chain(own)) {
        let mut command = Command::new("/proc/self/exe");
        // This returns only if it fails.
        let _ = command.arg0(name).args(arguments).env("PATH", path).exec();
    }
}
