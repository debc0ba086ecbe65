//! Runs the program on one input, with limits of memory and time.

use std::{
    env, fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use crate::common::{Manifest, World, say, without_waits};

/// A run that takes longer than this hangs. The slowest run takes some seconds.
const DEADLINE: Duration = Duration::from_mins(2);

/// Only one program runs at a time. Eight at once on two processors would each take four times as long, and could exceed the
/// program's own time limits.
static TURN: Mutex<()> = Mutex::new(());

/// How a run ended, and what it cost.
pub struct Ended {
    /// The exit code. `None` if a signal ended the run.
    pub code: Option<i32>,
    /// Standard error.
    pub err: String,
    /// The most memory that was held at once, in MiB.
    pub peak: usize,
}

/// Runs the program with at most `memory` MiB of address space, and prints a row of the table.
pub fn run(world: &World, what: &str, manifest: &Manifest, memory: usize) -> Ended {
    let manifest = world.save(manifest);
    run_manifest(world, what, &manifest, memory)
}

/// Does what [`run`] does, with a manifest that already exists.
pub fn run_manifest(world: &World, what: &str, manifest: &std::path::Path, memory: usize) -> Ended {
    let errors = world.write("stderr", "");
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut child = command(world, manifest, memory)
        .stdout(Stdio::null())
        .stdin(Stdio::null())
        .stderr(fs::OpenOptions::new().append(true).open(&errors).unwrap())
        .spawn()
        .unwrap();
    let start = Instant::now();
    let (code, cost) = wait(&mut child, start);
    drop(turn);
    let err = without_advice(&world.shown(&fs::read_to_string(&errors).unwrap()));
    let first = err.lines().next().unwrap_or("(works)");
    let shown: String = first.chars().take(150).collect();
    say(&format!(
        "| {what} | {} ms, {} ms of CPU | {} of {memory} MiB | {shown} |",
        start.elapsed().as_millis(),
        cost.cpu,
        cost.peak
    ));
    assert!(!err.contains("a fault in sops-install-secrets"), "{what}: {err}");
    assert!(code.is_some(), "{what}: ended by a signal, or after {DEADLINE:?}: {err}");
    Ended {
        code,
        err,
        peak: cost.peak,
    }
}

/// Removes what depends on the machine: the temporary directory may be on a disk, and then every run that publishes there warns of it.
/// On a slow machine, a run also says what it waits for.
fn without_advice(text: &str) -> String {
    let is_advice = |line: &&str| line.starts_with("warning: $DIR/run/secrets.d is on a disk, ");
    let text = without_waits(text);
    text.split_inclusive('\n').filter(|line| !is_advice(line)).collect()
}

/// The command of a shell that sets the limit of memory and then becomes the program.
fn command(world: &World, manifest: &std::path::Path, memory: usize) -> Command {
    let mut command = world.command("sh");
    let script = format!("ulimit -v {}; exec \"$0\" \"$1\"", memory * 1024);
    command.arg("-c").arg(script).arg(program(world)).arg(manifest);
    command
}

/// The program that the environment names. Without that variable, the program that was built for this test.
fn program(world: &World) -> PathBuf {
    let Some(named) = env::var_os("BOMBS_PROGRAM") else {
        return world.executable();
    };
    let copy = world.input("program");
    // The program's tables of characters may contain a word of the fixtures.
    world.allow_input("program");
    if !copy.exists() {
        let status = Command::new("install")
            .args(["-m", "755"])
            .arg(named)
            .arg(&copy)
            .status()
            .unwrap();
        assert!(status.success());
    }
    copy
}

/// What a process has used, as far as this test has seen it.
#[derive(Clone, Copy, Default)]
struct Cost {
    /// The most memory that was held at once, in MiB.
    peak: usize,
    /// Time on the processors, in milliseconds.
    cpu: u64,
}

/// Waits for the end of the process. Returns the exit code, and what the process has used.
fn wait(child: &mut Child, start: Instant) -> (Option<i32>, Cost) {
    let mut cost = Cost::default();
    loop {
        cost = cost_of(child.id()).unwrap_or(cost);
        if let Some(status) = child.try_wait().unwrap() {
            return (status.code(), cost);
        }
        if start.elapsed() > DEADLINE {
            child.kill().unwrap();
        }
        thread::sleep(Duration::from_millis(3));
    }
}

/// The most memory that the process has held at once, and its processor time in ticks of 10 ms; see proc(5).
fn cost_of(process: u32) -> Option<Cost> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: usize = line.trim().strip_suffix(" kB")?.parse().ok()?;
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name of the process is in parentheses, and may contain anything. The user time is the 14th field, and the system time the
    // 15th.
    let fields = stat.rsplit_once(") ")?.1.split(' ').skip(11).take(2);
    let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
    Some(Cost {
        peak: kib / 1024,
        cpu: ticks * 10,
    })
}
