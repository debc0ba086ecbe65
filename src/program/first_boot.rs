//! Whether this is the first boot of this host, as Nix and a note beside the Nix store know it.
//!
//! The answer is yes in one boot of a host at most. So a mistake about it cannot come back.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, ErrorKind, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use crate::{
    system::{handle, memory, root::Root},
    text::{diagnosis::Diagnosis, printable::shown},
};

/// The id that the kernel gives to each boot (random(4)).
const BOOT: &str = "/proc/sys/kernel/random/boot_id";

/// What the note says when the first boot is over. Otherwise it has the id of that boot.
const OVER: &str = "over\n";

/// The directory of the note, below that of Nix.
fn directory(nix: &Path) -> PathBuf {
    nix.join("var/sops-nix")
}

fn note(nix: &Path) -> PathBuf {
    directory(nix).join("first-boot")
}

/// Whether this may be the first boot of the host whose directory of Nix is `nix`. Before that is answered, it is noted that this host was
/// started, so that the answer cannot be yes in another boot. The answer is yes if all of this is so:
///
/// - There is no note of an earlier boot, nor that the first boot is over. It would be there, because the note lasts.
/// - The system that runs is the first that Nix has installed there, and there never was another.
///
/// # Errors
///
/// If it cannot be noted, or the system has no id for this boot.
pub(crate) fn begin(nix: &Path, root: &Root) -> Result<bool, Diagnosis> {
    let begin = || {
        let boot = fs::read_to_string(root.locate(BOOT))?;
        match fs::read_to_string(note(nix)) {
            Ok(noted) => Ok(noted == boot),
            Err(error) if error.kind() == ErrorKind::NotFound => keep(&boot, nix).map(|()| true),
            Err(_) => Ok(false),
        }
    };
    let is_open = begin().map_err(|error| not_noted(nix, &error))?;
    Ok(is_open && lasts(nix) && is_first_system(&nix.join("var/nix/profiles"), root))
}

/// Notes that the first boot is over, for good.
///
/// # Errors
///
/// If this cannot be noted.
pub(crate) fn end(nix: &Path) -> Result<(), Diagnosis> {
    keep(OVER, nix).map_err(|error| not_noted(nix, &error))
}

fn not_noted(nix: &Path, error: &io::Error) -> Diagnosis {
    Diagnosis::new(
        format!("cannot note in {} whether this is the first boot: {error}", shown(&note(nix))),
        "make that directory writable, or set sops.noKeyAtFirstBoot to false",
    )
}

/// Writes the note, and waits until it is on the disk. A note that is written in part counts as over.
fn keep(text: &str, nix: &Path) -> io::Result<()> {
    if fs::read_to_string(note(nix)).is_ok_and(|noted| noted == text) {
        return Ok(());
    }
    let directory = directory(nix);
    match DirBuilder::new().mode(0o755).create(&directory) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    // The program has no umask.
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o644);
    let mut file = options.open(note(nix))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    File::open(&directory)?.sync_all()?;
    File::open(nix.join("var"))?.sync_all()
}

/// Whether the note lasts as long as the Nix store, without which no host starts: it is on the same disk.
fn lasts(nix: &Path) -> bool {
    let place = directory(nix);
    let is_on_disk = handle::open_directory(&place).is_ok_and(|place| memory::lasts(place).unwrap_or(false));
    let disk = |path: &Path| fs::metadata(path).map(|status| status.dev()).ok();
    is_on_disk && disk(&place).is_some() && disk(&place) == disk(&nix.join("store"))
}

/// Whether the only system in `profiles` is the first, and the one that runs. Each later one has a higher number, and `system-profiles`
/// has those with names. If they were all taken away again, the first has left its note when it was started.
fn is_first_system(profiles: &Path, root: &Root) -> bool {
    let Ok(entries) = fs::read_dir(profiles) else {
        return false;
    };
    let names: io::Result<Vec<_>> = entries.map(|entry| entry.map(|entry| entry.file_name())).collect();
    let names = names.unwrap_or_default();
    let systems: Vec<_> = names
        .iter()
        .filter(|name| name.as_encoded_bytes().starts_with(b"system-"))
        .collect();
    let first = fs::canonicalize(profiles.join("system-1-link")).ok();
    let running = fs::canonicalize(root.locate("/run/current-system")).ok();
    systems == ["system-1-link"] && first.is_some() && first == running
}
