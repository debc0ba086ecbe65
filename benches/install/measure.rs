//! One run of a program, and what it cost.

use std::path::Path;
use std::process::{Command, Stdio, exit};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

/// Time on the clock, time on the processors, and the most memory held at once.
#[derive(Clone, Copy)]
pub struct Cost {
    pub wall: Duration,
    pub cpu: Duration,
    pub peak_kib: u64,
}

/// Measures the program in a process of its own: the kernel counts the memory of whoever starts a program as the program's, until
/// the program is loaded, so it must be started by something small.
pub fn in_own_process(program: &Path, manifest: &Path) -> Cost {
    let output = Command::new(std::env::current_exe().unwrap())
        .arg("--measure")
        .args([program, manifest])
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "the program failed");
    let text = String::from_utf8(output.stdout).unwrap();
    let numbers: Vec<u64> = text.split_whitespace().map(|number| number.parse().unwrap()).collect();
    Cost {
        wall: Duration::from_micros(numbers[0]),
        cpu: Duration::from_micros(numbers[1]),
        peak_kib: numbers[2],
    }
}

/// The process of its own: runs the program once, prints three numbers, and ends.
pub fn here(program: &Path, manifest: &Path) -> ! {
    let start = Instant::now();
    let mut command = Command::new(program);
    let output = command
        .arg(manifest)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    let wall = start.elapsed();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    println!(
        "{} {} {}",
        wall.as_micros(),
        micros(usage.user_time()) + micros(usage.system_time()),
        usage.max_rss()
    );
    eprint!(
        "{}",
        if output.status.success() {
            String::new()
        } else {
            String::from_utf8_lossy(&output.stderr).into_owned()
        }
    );
    exit(output.status.code().unwrap_or(1))
}

fn micros(time: TimeVal) -> i64 {
    time.tv_sec() * 1_000_000 + time.tv_usec()
}
