//! From the root to the directory that a path lies in, part by part and by descriptor.
//!
//! Paths may lead through directories of other users. Between two uses of a name, another user can give the name to another file. A
//! descriptor still refers to the same file. A symlink is followed if only root and the caller can have put it there. If others can
//! have put it there, it is followed only to a directory in which they may write anyway. The owner of a symlink proves nothing,
//! even if it is root: whoever can rename the entries of a directory can move a symlink of root's to any name there.
//!
//! The way is kept as [`Step`]s. A step names a directory by its device and inode, because one directory has many paths.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    ffi::{OsStr, OsString},
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::{self, FileType, Stat},
    io::Errno,
};

use super::{
    destination::Destination,
    error::{InstallError, failed},
    files,
    step::Step,
    way::{Lost, Way},
    writers::{self, Writer},
};
use crate::system::{handle, root::Root};

/// Limit: at most 40 symlinks are followed in one path, as in the kernel (`path_resolution`(7)).
const MAX_SYMLINKS: usize = 40;

/// Finds the way to `path`. The walk does not enter the directory to which the step `stop` leads, and treats this directory as
/// missing. Changes nothing.
pub(crate) fn find(root: &Root, path: &Path, stop: Option<&Step>) -> Result<Way, Box<Lost>> {
    let lost = |error, passed, is_safe| Box::new(Lost { error, passed, is_safe });
    let mut walk = Walk::new(root, path).map_err(|error| lost(error, Vec::new(), true))?;
    match walk.run(stop).and_then(|missing| Ok((missing, walk.status()?))) {
        Ok((missing, status)) => Ok(walk.way(missing.as_ref(), &status)),
        Err(error) => Err(lost(error, walk.passed, walk.writers.is_empty())),
    }
}

/// The parts of an absolute path without `..`, from the root on.
fn parts(root: &Root, path: &Path) -> Result<VecDeque<OsString>, InstallError> {
    let refuse = || InstallError::not_plain(path);
    path.strip_prefix(root.path())
        .map_err(|_| refuse())?
        .components()
        .map(|part| match part {
            Component::Normal(name) => Ok(name.to_owned()),
            _ => Err(refuse()),
        })
        .collect()
}

/// A walk from `/` to a directory: the directory that is open now, and the parts that are still to be walked.
pub(crate) struct Walk<'a> {
    /// The root directory, at which the walk starts. At a symlink to an absolute path, the walk starts there again.
    root: &'a Root,
    /// The path as declared.
    path: &'a Path,
    /// The directories that are still to be entered, by name.
    parents: VecDeque<OsString>,
    /// The last part of the path, which is not entered.
    name: OsString,
    /// The directory that the walk has reached.
    dir: OwnedFd,
    /// The path of the part that the walk came to last, for messages.
    here: PathBuf,
    /// The steps that led to the current directory.
    passed: Vec<Step>,
    /// How many symlinks were followed so far.
    followed: usize,
    /// The steps to the current directory and to the directories above it, without `/`. An absolute symlink empties this list.
    within: Vec<Step>,
    /// The users and groups, beside root and the caller, who could have changed anything on the way.
    writers: BTreeSet<Writer>,
    /// Users and groups, beside root and the caller, who can have made a symlink that was followed, each with the path of the
    /// symlink. The walk may end only in a directory in which each of them may write anyway.
    bound: BTreeMap<Writer, PathBuf>,
}

impl<'a> Walk<'a> {
    /// A walk that has entered nothing yet: it is at the root, and all parents of `path` are still to be entered.
    pub(crate) fn new(root: &'a Root, path: &'a Path) -> Result<Self, InstallError> {
        let mut parents = parts(root, path)?;
        let name = parents.pop_back().ok_or_else(|| InstallError::not_plain(path))?;
        Ok(Self {
            root,
            path,
            parents,
            name,
            dir: open(root)?,
            here: root.path().to_owned(),
            passed: Vec::new(),
            followed: 0,
            within: Vec::new(),
            writers: BTreeSet::new(),
            bound: BTreeMap::new(),
        })
    }

    /// Enters one parent after the other, until a parent is missing or is `stop`. Returns the name of that parent, and [`Self::here`]
    /// is then its path. Returns `None` if all parents were entered. Fails if a parent is missing and `..` comes later.
    pub(crate) fn run(&mut self, stop: Option<&Step>) -> Result<Option<OsString>, InstallError> {
        while let Some(part) = self.parents.pop_front() {
            self.here.push(&part);
            let status = self.status()?;
            // Each part is opened alone, relative to the open directory, so that the kernel follows no symlink by itself.
            // `..` at the root leads to the root itself, as for the kernel.
            let is_above_root = part == ".." && self.within.is_empty();
            let looked = handle::open(&self.dir, if is_above_root { OsStr::new(".") } else { &part });
            let entry = looked.as_ref().ok().and_then(|entry| fs::fstat(entry).ok());
            self.writers.extend(writers::of(&status, entry.as_ref()));
            let is_end = stop == Some(&Step::of(&status, &part));
            if is_end || matches!(looked, Err(Errno::NOENT)) {
                self.check_bound()?;
                if !is_end {
                    self.refuse_climb()?;
                }
                return Ok(Some(part));
            }
            self.enter(&status, &part, looked.map_err(failed("open", &self.here))?)?;
        }
        self.check_bound()?;
        Ok(None)
    }

    /// Fails if the path leads on through `..`, after a missing directory. The kernel finds no file on such a path. If this program made
    /// the directory, the walk would go up again and end at a place that nobody has checked.
    fn refuse_climb(&self) -> Result<(), InstallError> {
        if self.parents.iter().any(|part| part == "..") {
            return Err(InstallError::climbs_from_nowhere(self.path, &self.here));
        }
        Ok(())
    }

    /// Continues the walk with `next`, which was found or made under the name `part` in the current directory. A directory is
    /// entered, and a symlink is followed.
    pub(crate) fn enter(&mut self, here: &Stat, part: &OsStr, next: OwnedFd) -> Result<(), InstallError> {
        let step = Step::of(here, part);
        self.passed.push(step.clone());
        let status = fs::fstat(&next).map_err(failed("examine", &self.here))?;
        match files::kind(&status) {
            FileType::Directory => self.descend(step, next),
            FileType::Symlink => {
                self.bind(here, &status);
                self.follow(part, &next)?;
            }
            _ => {
                return Err(InstallError::not_a_directory(self.path, &self.here));
            }
        }
        Ok(())
    }

    /// Makes `next` the current directory. The name of the step may be `..`, from the target of a symlink.
    fn descend(&mut self, step: Step, next: OwnedFd) {
        self.dir = next;
        if step.name.as_os_str() == ".." {
            self.within.pop();
        } else {
            self.within.push(step);
        }
    }

    /// Records who can have put the current symlink there: its owner, and those who can rename the symlink or a directory on the way.
    fn bind(&mut self, here: &Stat, link: &Stat) {
        for writer in &self.writers {
            self.bound.entry(*writer).or_insert_with(|| self.here.clone());
        }
        for writer in writers::of(here, Some(link))
            .into_iter()
            .chain(Writer::other_user(link.st_uid))
        {
            self.bound.insert(writer, self.here.clone());
        }
    }

    /// Reads the target of the symlink `link`, which was opened as `part` in the current directory. Puts the parts of the target before
    /// the parents that are still to be entered.
    fn follow(&mut self, part: &OsStr, link: &OwnedFd) -> Result<(), InstallError> {
        self.followed += 1;
        if self.followed > MAX_SYMLINKS {
            return Err(failed("reach", self.path)(Errno::LOOP));
        }
        let target = handle::target(&self.dir, part, link).map_err(failed("read the symlink", &self.here))?;
        let mut target = Path::new(OsStr::from_bytes(target.as_bytes()));
        if target.is_absolute() {
            let leads_out = |_| InstallError::not_plain(self.path);
            target = target.strip_prefix(self.root.path()).map_err(leads_out)?;
            self.here = self.root.path().to_owned();
            self.dir = open(self.root)?;
            self.within.clear();
        } else {
            self.here.pop();
        }
        for part in target.components().rev().filter(|part| *part != Component::CurDir) {
            self.parents.push_front(part.as_os_str().to_owned());
        }
        Ok(())
    }

    /// Fails if somebody who can have made a followed symlink may not write in the current directory. Otherwise that user could
    /// make root write where the user may not.
    fn check_bound(&self) -> Result<(), InstallError> {
        let here = self.status()?;
        match self.bound.iter().find(|(writer, _)| !writer.rules(&here)) {
            None => Ok(()),
            Some((writer, part)) => Err(InstallError::foreign_symlink(self.path, part, *writer)),
        }
    }

    /// The status of the current directory.
    pub(crate) fn status(&self) -> Result<Stat, InstallError> {
        fs::fstat(&self.dir).map_err(failed("examine", &self.here))
    }

    /// The descriptor of the current directory.
    pub(crate) fn dir(&self) -> &OwnedFd {
        &self.dir
    }

    /// The names of the directories that are still to be entered.
    pub(crate) fn ahead(&self) -> impl Iterator<Item = &OsStr> {
        self.parents.iter().map(OsString::as_os_str)
    }

    /// The path of the part that the walk came to last.
    pub(crate) fn here(&self) -> &Path {
        &self.here
    }

    /// Where the walk started.
    pub(crate) fn root(&self) -> &Root {
        self.root
    }

    /// The path as declared.
    pub(crate) fn path(&self) -> &Path {
        self.path
    }

    /// The steps to the current directory and to the directories above it, without `/`. Directories out of which a symlink has
    /// led are not among them.
    pub(crate) fn within(&self) -> &[Step] {
        &self.within
    }

    /// The place of the path. All parents must have been entered.
    pub(crate) fn place(self) -> Destination {
        Destination {
            dir: self.dir,
            name: self.name,
            path: self.path.to_owned(),
        }
    }

    /// The whole way. `here` is the status of the current directory. `missing` and the parents after it do not exist, or were not
    /// entered.
    fn way(mut self, missing: Option<&OsString>, here: &Stat) -> Way {
        let is_there = missing.is_none();
        let mut end = Step::of(here, PathBuf::new());
        for part in missing.into_iter().chain(&self.parents) {
            end.name.push(part);
            self.passed.push(end.clone());
        }
        end.name.push(&self.name);
        let (passed, is_safe) = (std::mem::take(&mut self.passed), self.writers.is_empty());
        let (place, nearest) = if is_there {
            (Some(self.place()), None)
        } else {
            (None, Some(self.dir))
        };
        Way {
            passed,
            end,
            place,
            nearest,
            is_safe,
        }
    }
}

/// Opens the root directory `/`, for look-up only.
fn open(root: &Root) -> Result<OwnedFd, InstallError> {
    root.open().map_err(failed("open", root.path()))
}
