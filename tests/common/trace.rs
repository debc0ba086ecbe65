//! System calls, as strace tells them.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use super::{Manifest, Said, World};

/// One system call, from its name to its result.
#[derive(Debug, Clone)]
pub struct Call {
    /// Who made it; 0 where only one thread was watched.
    pub thread: u32,
    /// Its name.
    pub name: String,
    /// Its arguments as strace writes them; descriptors carry their paths in angle brackets.
    pub arguments: String,
    /// Its result.
    pub result: String,
}

/// Calls that change what is in a directory, apart from opening for writing.
const CHANGING: &[&str] = &[
    "chmod",
    "chown",
    "fchmodat",
    "fchmodat2",
    "fchownat",
    "lchown",
    "link",
    "linkat",
    "mkdir",
    "mkdirat",
    "mknod",
    "mknodat",
    "mount",
    "move_mount",
    "mount_setattr",
    "rename",
    "renameat",
    "renameat2",
    "rmdir",
    "setxattr",
    "symlink",
    "symlinkat",
    "truncate",
    "umount2",
    "unlink",
    "unlinkat",
    "utimensat",
    "bind",
];

impl Call {
    /// Whether it opens a file, for reading or writing.
    pub fn opens(&self) -> bool {
        matches!(self.name.as_str(), "open" | "openat" | "openat2" | "creat")
    }

    /// Whether it changes something on a file system, or would if it succeeded.
    pub fn changes(&self) -> bool {
        let for_writing = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND", "O_TMPFILE"];
        let opens_for_writing = self.opens() && for_writing.iter().any(|flag| self.arguments.contains(flag));
        opens_for_writing || CHANGING.contains(&self.name.as_str())
    }

    /// The absolute paths among the arguments: `4</run>, "x"` is `/run/x`.
    pub fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        let mut directory = String::new();
        for argument in self.arguments.split(", ") {
            if let Some(text) = argument.strip_prefix('"') {
                let text = text.split('"').next().unwrap();
                paths.push(match text {
                    "" => directory.clone(),
                    _ if text.starts_with('/') => text.to_owned(),
                    _ => format!("{directory}/{text}"),
                });
            } else if let Some((_, path)) = argument.split_once('<') {
                path.trim_end_matches('>').clone_into(&mut directory);
            }
        }
        // What a symlink points to, and what is mounted, are no paths that the call touches.
        match self.name.as_str() {
            "symlink" | "symlinkat" => paths.split_off(1),
            "mount" => paths.drain(1..2).collect(),
            _ => paths,
        }
    }

    /// The path of the descriptor that is the first argument.
    pub fn descriptor(&self) -> Option<&str> {
        let (number, rest) = self.arguments.split_once('<')?;
        let is_number = !number.is_empty() && number.chars().all(|c| c.is_ascii_digit());
        is_number.then(|| rest.split('>').next().unwrap())
    }

    /// Whether it did what it was asked for.
    pub fn succeeded(&self) -> bool {
        !self.result.starts_with("-1 ") && self.result != "?"
    }
}

/// The calls of a run that strace wrote to `file` (`-y -s …`, and `-f` for its threads and children too), from the program's own start
/// on, in the order in which they ended.
pub fn calls(file: &Path) -> Vec<Call> {
    let text = fs::read(file).unwrap();
    let mut unfinished = HashMap::new();
    String::from_utf8_lossy(&text)
        .lines()
        .filter_map(|line| call(&mut unfinished, line))
        .collect()
}

/// `name(arguments) = result`, with `-f` the number of the thread before it; other lines tell of signals and ends. Where another thread
/// comes between, it is `PID name(arguments <unfinished ...>`, and later `PID <... name resumed>rest) = result`.
fn call(unfinished: &mut HashMap<u32, String>, line: &str) -> Option<Call> {
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let thread = line[..line.len() - rest.len()].parse().unwrap_or_default();
    let line = rest.trim_start();
    if let Some(start) = line.strip_suffix("<unfinished ...>") {
        unfinished.insert(thread, start.trim_end().to_owned());
        return None;
    }
    let whole = match line.split_once(" resumed>") {
        Some((_, rest)) if line.starts_with("<... ") => format!("{}{rest}", unfinished.remove(&thread)?),
        _ => line.to_owned(),
    };
    let (name, rest) = whole.split_once('(')?;
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return None;
    }
    let (arguments, result) = rest.rsplit_once(" = ")?;
    let arguments = arguments.trim_end().strip_suffix(')')?;
    Some(Call {
        thread,
        name: name.to_owned(),
        arguments: arguments.to_owned(),
        result: result.to_owned(),
    })
}

impl World {
    /// Runs the program under strace with these options, and gives what it said and which calls it made, those of its threads and
    /// children among them.
    pub fn trace(&self, manifest: &Manifest, options: &[&str], variables: &[(&str, &str)]) -> (Said, Vec<Call>) {
        let (log, manifest) = (self.input("trace"), self.save(manifest));
        let mut command = self.command("strace");
        command.arg("-f").arg("-o").arg(&log).args(options);
        command.arg(self.executable()).arg(manifest);
        command.envs(variables.iter().copied());
        let said = self.finish(&mut command);
        let calls = calls(&log);
        // Plaintext is in it.
        fs::remove_file(log).unwrap();
        (said, calls)
    }
}
