//! Access control lists of Linux (acl(5)), as extended attributes.

use std::{ffi::CStr, os::fd::AsFd};

use rustix::{
    fs::{fgetxattr, fremovexattr},
    io::{Errno, Result},
};

/// The access control list of a file or directory.
const ACCESS_LIST: &CStr = c"system.posix_acl_access";
/// The access control list that new files in a directory get.
const DEFAULT_LIST: &CStr = c"system.posix_acl_default";

/// Whether the file system of an open directory has access control lists. A ramfs has none.
pub(crate) fn are_known(dir: impl AsFd) -> bool {
    !matches!(fgetxattr(dir, ACCESS_LIST, &mut [0; 0][..]), Err(Errno::OPNOTSUPP))
}

/// Whether an open file has an access control list.
pub(crate) fn is_on_file(file: impl AsFd) -> Result<bool> {
    has(file, ACCESS_LIST)
}

/// Does what [`is_on_file`] does for an open directory, which may have two lists.
pub(crate) fn is_on_directory(dir: impl AsFd + Copy) -> Result<bool> {
    Ok(has(dir, ACCESS_LIST)? || has(dir, DEFAULT_LIST)?)
}

/// Takes away the access control list of an open file, as a new file gets one from its directory.
pub(crate) fn remove(file: impl AsFd) -> Result<()> {
    match fremovexattr(file, ACCESS_LIST) {
        Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(()),
        outcome => outcome,
    }
}

fn has(file: impl AsFd, list: &CStr) -> Result<bool> {
    match fgetxattr(file, list, &mut [0; 0][..]) {
        Ok(_) => Ok(true),
        Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(false),
        Err(cause) => Err(cause),
    }
}
