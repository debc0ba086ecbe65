//! The cases below `tests/messages/cases/`: one file each, in a directory for each kind of situation. A new file is a new case.
//!
//! A file begins with a line that says what happens. Then come sections, each below a line `-- NAME --` (the form is that of txtar):
//!
//! - `prepare`: shell commands that make the inputs. `$FILES` has the files that sops encrypted, `$PLAIN` their plaintext, `$KEYS` the keys.
//! - `typed`: shell commands, run by the program's user (user mode) with the program on the search path.
//! - `printed`: what these commands print, standard output first, and then `[exit CODE]`. `UPDATE_EXPECT=1 cargo test --test
//!   messages` writes this section.
//! - Each other section is a file of that name.
//!
//! In directories whose name begins with `sops-nix`, the program `sops-nix` is on the search path too. There, `terminal COMMAND`
//! runs a command on a terminal, and `answering ANSWER COMMAND` also types an answer for each question that ends in `[y/N] `: the lines
//! of `ANSWER`, one after the other.
//!
//! In directories whose name begins with `sops-nix-host`, each case is a host of its own: root in a mount namespace, with an empty `/run`
//! and `/etc`. Sections may be files there, and `prepare` has the functions of `host.sh`.
//!
//! A case runs in an empty directory, which is called `$DIR` in files and in what is printed. `$DIR/run` is `$XDG_RUNTIME_DIR`.

use std::{
    env, fs,
    path::{Path, PathBuf},
    thread,
};

use expect_test::expect_file;

use crate::common::{Said, World, copy_program, fixtures, has, link_program, without_waits};

/// The directory of the cases.
fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/messages/cases")
}

/// The entries of a directory, sorted.
fn entries(directory: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// A case, as its file describes it.
struct Case {
    /// The first line, which says what happens.
    head: String,
    /// The name and the text of each section.
    sections: Vec<(String, String)>,
}

impl Case {
    fn parse(text: &str) -> Self {
        let mut case = Self {
            head: String::new(),
            sections: Vec::new(),
        };
        for line in text.split_inclusive('\n') {
            let name = line.strip_prefix("-- ").and_then(|line| line.strip_suffix(" --\n"));
            match (name, case.sections.last_mut()) {
                (Some(name), _) => case.sections.push((name.to_owned(), String::new())),
                (None, Some((_, section))) => section.push_str(line),
                (None, None) => case.head.push_str(line),
            }
        }
        case
    }

    fn text(&self) -> String {
        let sections = self.sections.iter().map(|(name, text)| format!("-- {name} --\n{text}"));
        self.head.clone() + &sections.collect::<String>()
    }

    /// Runs the case, and returns it with what is printed now. `None` if it cannot be run.
    fn run(mut self, world: &World) -> Option<Self> {
        let wants = |line: &str| self.sections.iter().any(|(_, text)| text.contains(line));
        let tools = [
            ("jq ", "jq"),
            ("git init", "git"),
            ("systemd-analyze", "systemd-analyze"),
            (" strace ", "strace"),
            ("sops-nix init", "sops"),
        ];
        if tools.iter().any(|(line, tool)| wants(line) && !has(tool)) {
            return None;
        }
        let mut printed = None;
        for (name, text) in &self.sections {
            match name.as_str() {
                "prepare" => prepare(world, text),
                "typed" => printed = Some(typed(world, text)),
                "printed" => {}
                _ => put(
                    world,
                    name,
                    &text.replace("$DIR", world.input("").to_str().unwrap().trim_end_matches('/')),
                ),
            }
        }
        // On a busy machine, anything may take so long that it is said. A case in which it is to be said has such a line already.
        let printed = if wants("waiting for ") {
            printed?
        } else {
            without_waits(&printed?)
        };
        self.sections.retain(|(name, _)| name != "printed");
        self.sections.push(("printed".to_owned(), printed));
        Some(self)
    }
}

/// Writes a file of a case. An absolute path is one of the host.
fn put(world: &World, name: &str, text: &str) {
    if name.starts_with('/') {
        let path = world.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    } else {
        world.write(name, text);
    }
}

/// Runs the commands as the user who runs the tests, because this user can read the fixtures. The files that they make are given to
/// the program's user.
fn prepare(world: &World, script: &str) {
    let mut command = world.as_tester("sh");
    command
        .args([
            "-euc",
            &format!("{}umask 077\n{}\n{script}", enter(world), include_str!("host.sh")),
        ])
        .current_dir(world.input(""));
    for (name, place) in [("FILES", "3.13.2"), ("PLAIN", "plain"), ("KEYS", "keys")] {
        command.env(name, fixtures().join(place));
    }
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{script}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    world.give_all();
    for path in entries(&world.input("")) {
        let name = path.file_name().unwrap().to_str().unwrap();
        if !["run", "home"].contains(&name) {
            world.allow_input(name);
        }
    }
}

/// The beginning of a script: whoever enters a mount namespace is in its root directory.
fn enter(world: &World) -> String {
    format!("cd '{}'\n", world.input("").display())
}

/// The text that a terminal would show, and the exit code.
fn typed(world: &World, script: &str) -> String {
    let program = world.executable();
    let mut search = world.input("").into_os_string();
    search.push(":");
    search.push(program.parent().unwrap());
    search.push(":");
    search.push(env::var_os("PATH").unwrap_or_default());
    let mut command = world.command("sh");
    // The name of the program is an argument of the command. So the run counts as a run of the program, whose output must show no
    // secret.
    command
        .args(["-c", &format!("{}{script}", enter(world))])
        .arg(&program)
        .env("PATH", search);
    let Said { code, out, told, .. } = world.finish(&mut command);
    assert!(!told.contains("a fault in sops-install-secrets"), "{script}: {told}");
    format!(
        "{out}{told}[exit {}]\n",
        code.map_or("by a signal".to_owned(), |code| code.to_string())
    )
}

/// Puts sops where the program's user can run it. Nothing where there is no sops: then no case that needs it is run.
fn add_sops(world: &World) {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path)
        .map(|place| place.join("sops"))
        .find(|file| file.is_file());
    if let Some(sops) = found {
        copy_program(&sops, &world.input("sops"));
        world.allow_input("sops");
    }
}

/// Runs a command on a terminal.
const TERMINAL: &str = "script -qec \"$*\" /dev/null < /dev/null | tr -d '\\r'";

/// Runs a command on a terminal, and types each answer when the command asks for it. If it were typed before, the terminal could show
/// it before the question.
const ANSWERING: &str = r#"
shown=$(mktemp)
printf '%s\n' "$1" | {
  questions=0
  while IFS= read -r answer; do
    questions=$((questions + 1))
    tries=0
    until [ "$(grep -o '\[y/N\] ' "$shown" | wc -l)" -ge $questions ] || [ $tries = 1200 ]; do tries=$((tries + 1)); sleep 0.05; done
    printf '%s\n' "$answer"
  done
} | script -qec "$2" /dev/null > "$shown"
tr -d '\r' < "$shown"
rm "$shown""#;

/// Puts `sops-nix` into the directory of the program, together with the scripts `terminal` and `answering`.
fn add_command(world: &World) {
    link_program(Path::new(env!("CARGO_BIN_EXE_sops-nix")), &world.input("sops-nix"));
    world.allow_input("sops-nix");
    for (name, text) in [("terminal", TERMINAL), ("answering", ANSWERING)] {
        let script = world.write(&format!("{name}.sh"), format!("#!/bin/sh\n{text}\n"));
        copy_program(&script, &world.input(name));
        fs::remove_file(script).unwrap();
    }
}

/// Runs one case. Gives 1 if it could be run.
fn compare(world: &World, file: &Path) -> usize {
    let case = Case::parse(&fs::read_to_string(file).unwrap());
    assert!(
        case.head.lines().count() == 1,
        "{} does not begin with a line that says what happens",
        file.display()
    );
    let Some(case) = case.run(world) else { return 0 };
    expect_file![file].assert_eq(&case.text());
    1
}

/// A host of its own.
fn host() -> Option<World> {
    let world = World::system()?;
    world.allow("/run/secrets.d");
    world.allow("/run/secrets-for-users.d");
    // Only copies of secrets are there.
    world.allow("/etc/copies");
    link_program(&world.executable(), &world.input("sops-install-secrets"));
    world.allow_input("sops-install-secrets");
    add_command(&world);
    Some(world)
}

/// Runs all cases of a directory one after the other, on hosts of their own or else in one world. Returns their number.
fn run_all(directory: &Path) -> usize {
    let name = directory.file_name().unwrap().to_string_lossy();
    if name.starts_with("sops-nix-host") {
        let files = entries(directory);
        return files
            .iter()
            .filter_map(|file| {
                let world = host()?;
                if name.ends_with("-init") {
                    add_sops(&world);
                }
                Some(compare(&world, file))
            })
            .sum();
    }
    let world = World::user();
    world.allow_input("run/secrets.d");
    if name.starts_with("sops-nix") {
        add_command(&world);
    }
    if directory.ends_with("sops-nix-init") {
        add_sops(&world);
    }
    let mut compared = 0;
    for file in &entries(directory) {
        world.shell("find . -mindepth 1 ! -path ./sops-install-secrets ! -path ./sops-nix ! -path ./sops ! -path ./terminal ! -path ./answering ! -path ./run ! -path ./home -delete");
        compared += compare(&world, file);
    }
    compared
}

#[test]
fn each_case_prints_what_its_file_says() {
    let run = thread::scope(|scope| {
        let groups: Vec<_> = entries(&directory())
            .into_iter()
            .map(|group| scope.spawn(move || run_all(&group)))
            .collect();
        groups.into_iter().map(|group| group.join().unwrap()).sum::<usize>()
    });
    assert!(run > 250 || !has("jq"), "only {run} cases");
}

/// What is promised of the doctor.
#[test]
fn the_doctor_finds_what_is_wrong_with_25_hosts_and_more() {
    let cases = entries(&directory().join("sops-nix-host-doctor"));
    let found = cases.iter().filter(|case| {
        let text = fs::read_to_string(case).unwrap();
        let (_, printed) = text.split_once("-- printed --\n").unwrap();
        printed.contains("\u{2192}") || printed.contains("finding\t")
    });
    let healthy = fs::read_to_string(directory().join("sops-nix-host-doctor/a-healthy-host.txtar")).unwrap();
    assert!(found.count() >= 25);
    assert!(healthy.contains("-- printed --\nno fault was found\n"), "{healthy}");
}

#[test]
fn a_case_is_read_and_written_without_a_change() {
    for file in entries(&directory()).iter().flat_map(|group| entries(group)) {
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(Case::parse(&text).text(), text);
    }
}
