//! Limits the processor time that an input may take. The time on the clock would include other work on the machine. If an input
//! waits for ever, libFuzzer ends it by its own limit.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The time for any input, even the smallest: RSA keys, and shares of many groups, always take long.
const FLOOR: Duration = Duration::from_secs(2);
/// The additional time for each byte of the input. A release build takes a thousandth of this time.
const FOR_A_BYTE: Duration = Duration::from_micros(50);
/// The number of runs, of which only the fastest counts. On a busy machine, the same work can take longer.
const RUNS: usize = 3;

/// Runs `check`, whose time must not grow faster than the size of the input.
///
/// # Panics
/// If each of the runs takes longer than that.
pub fn within(input: &[u8], check: impl Fn(&[u8])) {
    let budget = FLOOR + FOR_A_BYTE * u32::try_from(input.len()).unwrap_or(u32::MAX);
    let is_late = || {
        let start = spent();
        check(input);
        spent().saturating_sub(start) > budget
    };
    let late = (0..RUNS).take_while(|_| is_late()).count();
    assert!(late < RUNS, "{} bytes took longer than {budget:?}, {RUNS} times", input.len());
}

/// The processor time of this process so far, of all threads together.
fn spent() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}

/// Defines a fuzz target whose inputs must not take long: each input must end [`within`] the time for its size.
#[macro_export]
macro_rules! timed_fuzz_target {
    (|$input:ident: &[u8]| $check:expr) => {
        libfuzzer_sys::fuzz_target!(|input: &[u8]| $crate::budget::within(input, |$input: &[u8]| $check));
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keeps the processor busy for the given time.
    fn work(time: Duration) {
        let start = spent();
        while spent().saturating_sub(start) < time {}
    }

    #[test]
    fn one_slow_run_is_no_finding() {
        let is_first = std::cell::Cell::new(true);
        within(b"", |_| {
            if is_first.replace(false) {
                work(FLOOR + Duration::from_millis(100));
            }
        });
    }

    #[test]
    #[should_panic(expected = "longer than")]
    fn an_input_that_always_takes_long_is_a_finding() {
        within(b"", |_| work(FLOOR + Duration::from_millis(100)));
    }
}
