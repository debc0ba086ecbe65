//! How much processor time an input may take. The clock on the wall would count other work on the machine; that an input waits for
//! ever is what the limit of libFuzzer is for.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// For any input: RSA, and shares of many groups, take long whatever the size.
const FLOOR: Duration = Duration::from_secs(2);
/// For each byte. The program of a release takes a thousandth of it.
const FOR_A_BYTE: Duration = Duration::from_micros(50);
/// Of how many runs the fastest counts: on a busy machine the same work takes longer.
const RUNS: usize = 3;

/// Runs `check`, which must end in a time that grows with the size of the input and no faster.
///
/// # Panics
/// When it takes longer, each time.
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

/// The processor time of this process so far, all threads together.
fn spent() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}

/// A fuzz target whose inputs must not take long: [`within`] the budget for their size.
#[macro_export]
macro_rules! timed_fuzz_target {
    (|$input:ident: &[u8]| $check:expr) => {
        libfuzzer_sys::fuzz_target!(|input: &[u8]| $crate::budget::within(input, |$input: &[u8]| $check));
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keeps the processor busy for so long.
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
