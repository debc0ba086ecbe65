//! How long an input may take.

use std::time::{Duration, Instant};

/// For any input: RSA, and shares of many groups, take long whatever the size.
const FLOOR: Duration = Duration::from_secs(2);
/// For each byte. The program of a release takes a thousandth of it.
const FOR_A_BYTE: Duration = Duration::from_micros(50);
/// Of how many runs the fastest counts: other work on the machine is no finding.
const RUNS: usize = 3;

/// Runs `check`, which must end in a time that grows with the size of the input and no faster.
///
/// # Panics
/// When it takes longer, each time.
pub fn within(input: &[u8], check: impl Fn(&[u8])) {
    let budget = FLOOR + FOR_A_BYTE * u32::try_from(input.len()).unwrap_or(u32::MAX);
    let is_late = || {
        let start = Instant::now();
        check(input);
        start.elapsed() > budget
    };
    let late = (0..RUNS).take_while(|_| is_late()).count();
    assert!(late < RUNS, "{} bytes took longer than {budget:?}, {RUNS} times", input.len());
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
    use std::thread;

    use super::*;

    #[test]
    fn one_slow_run_is_no_finding() {
        let mut naps = vec![FLOOR + Duration::from_millis(100)].into_iter();
        let naps = std::cell::RefCell::new(&mut naps);
        within(b"", |_| {
            if let Some(nap) = naps.borrow_mut().next() {
                thread::sleep(nap);
            }
        });
    }

    #[test]
    #[should_panic(expected = "longer than")]
    fn an_input_that_always_takes_long_is_a_finding() {
        within(b"", |_| thread::sleep(FLOOR + Duration::from_millis(100)));
    }
}
