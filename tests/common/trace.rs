//! The system calls of a run, as strace reports them.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use super::{Manifest, Said, World};

/// One system call, from its name to its result.
#[derive(Debug, Clone)]
pub struct Call {
    /// The thread that made the call; 0 if only one thread was watched.
    pub thread: u32,
    /// The name of the call.
    pub name: String,
    /// The arguments of the call, as strace writes them. The path of a descriptor follows in angle brackets.
    pub arguments: String,
    /// The result of the call.
    pub result: String,
}

/// The calls that change the content of a directory, except for calls that open a file for writing.
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
    /// Whether the call opens a file, for reading or writing.
    pub fn opens(&self) -> bool {
        matches!(self.name.as_str(), "open" | "openat" | "openat2" | "creat")
    }

    /// Whether the call changes something on a file system, or would do so if it succeeded.
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
        // The target of a symlink and the source of a mount are left out, because the call does not touch them.
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

    /// Whether the call succeeded.
    pub fn succeeded(&self) -> bool {
        !self.result.starts_with("-1 ") && self.result != "?"
    }
}

/// The calls of a run that strace wrote to `file` with the options `-y -s …`, and `-f` for threads and children. The first call is
/// the start of the program. The calls are in the order in which they ended.
pub fn calls(file: &Path) -> Vec<Call> {
    let text = fs::read(file).unwrap();
    let mut unfinished = HashMap::new();
    String::from_utf8_lossy(&text)
        .lines()
        .filter_map(|line| call(&mut unfinished, line))
        .collect()
}

/// Reads a line `name(arguments) = result`. With `-f`, the number of the thread comes first. Other lines report signals and ends of
/// processes. If another thread interrupts a call, the call has two lines: `PID name(arguments <unfinished ...>`, and later `PID
/// <... name resumed>rest) = result`.
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
    /// Runs the program under strace with these options. Returns the output of the program, and its calls, together with those of
    /// its threads and children.
    pub fn trace(&self, manifest: &Manifest, options: &[&str], variables: &[(&str, &str)]) -> (Said, Vec<Call>) {
        let (log, manifest) = (self.input("trace"), self.save(manifest));
        let mut command = self.command("strace");
        command.arg("-f").arg("-o").arg(&log).args(options);
        command.arg(self.executable()).arg(manifest);
        command.envs(variables.iter().copied());
        let said = self.finish(&mut command);
        let calls = calls(&log);
        // The log contains plaintext, so it is removed.
        fs::remove_file(log).unwrap();
        (said, calls)
    }
}
