//! System calls, as strace tells them.

use std::fs;
use std::path::Path;

use super::{Manifest, Said, World};

/// One system call, from its name to its result.
#[derive(Debug, Clone)]
pub struct Call {
    /// Its name.
    pub name: String,
    /// Its arguments as strace writes them; descriptors carry their paths in angle brackets.
    pub arguments: String,
    /// Its result.
    pub result: String,
}

impl Call {
    /// Whether it did what it was asked for.
    pub fn succeeded(&self) -> bool {
        !self.result.starts_with("-1 ") && self.result != "?"
    }
}

/// The calls of a run that strace wrote to `file` (`-f -y -s …`), from the program's own start on, in their order.
pub fn calls(file: &Path) -> Vec<Call> {
    let text = fs::read(file).unwrap();
    String::from_utf8_lossy(&text).lines().filter_map(call).collect()
}

/// `PID name(arguments) = result`; other lines tell of signals and ends.
fn call(line: &str) -> Option<Call> {
    let line = line.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start();
    let (name, rest) = line.split_once('(')?;
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return None;
    }
    let (arguments, result) = rest.rsplit_once(" = ")?;
    let arguments = arguments.trim_end().strip_suffix(')')?;
    Some(Call {
        name: name.to_owned(),
        arguments: arguments.to_owned(),
        result: result.to_owned(),
    })
}

impl World {
    /// Runs the program under strace with these options, and gives what it said and which calls it made.
    pub fn trace(&self, manifest: &Manifest, options: &[&str], variables: &[(&str, &str)]) -> (Said, Vec<Call>) {
        let (log, manifest) = (self.input("trace"), self.save(manifest));
        let mut command = self.command("strace");
        command.args(["-f", "-o"]).arg(&log).args(options);
        command.arg(self.executable()).arg(manifest);
        command.envs(variables.iter().copied());
        let said = self.finish(&mut command);
        (said, calls(&log))
    }
}
