//! Runs a program once, and measures the cost.

use std::process::{Command, Stdio, exit};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

/// The time on the clock, the time on the processors, and the most memory that was held at once.
#[derive(Clone, Copy)]
pub struct Cost {
    pub wall: Duration,
    pub cpu: Duration,
    pub peak_kib: u64,
    /// Whether the program ended with success.
    pub is_success: bool,
}

/// Measures a program with its arguments, in a small process of its own. Until a new program is loaded, the kernel counts the
/// memory of the process that starts it as the program's own. So a small process must start it.
pub fn in_own_process(command: &[String]) -> Cost {
    let output = Command::new(std::env::current_exe().unwrap())
        .arg("--measure")
        .args(command)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let numbers: Vec<u64> = text.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    // Without numbers, a signal has ended the small process too.
    let [wall, cpu, peak_kib] = numbers.try_into().unwrap_or_default();
    Cost {
        wall: Duration::from_micros(wall),
        cpu: Duration::from_micros(cpu),
        peak_kib,
        is_success: output.status.success(),
    }
}

/// The exit code of the small process if a signal ended the program.
const ENDED_BY_SIGNAL: i32 = 2;

/// The small process: runs the program once, prints three numbers, and ends with the exit code of the program.
pub fn here(command: &[String]) -> ! {
    // If the memory of the machine is too little, the program is ended and not the bench. The error does not matter.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    let start = Instant::now();
    let output = Command::new(&command[0])
        .args(&command[1..])
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
    let code = output.status.code().unwrap_or(ENDED_BY_SIGNAL);
    if std::env::var_os("BENCH_SHOWS_ERRORS").is_some() || code > 1 {
        eprintln!(
            "{}",
            String::from_utf8_lossy(&output.stderr).chars().take(500).collect::<String>()
        );
    }
    exit(code)
}

fn micros(time: TimeVal) -> i64 {
    time.tv_sec() * 1_000_000 + time.tv_usec()
}
