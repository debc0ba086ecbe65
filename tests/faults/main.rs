//! Makes each system call of a run fail, one call in each run, or kills the process there. Three things must hold each time: the
//! old set or the new set is published completely, the run reports correctly how it ended, and the next run does what is left.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the lints about panics mean the program; a test fails by panicking"
)]

mod checked;
#[path = "../common/mod.rs"]
mod common;
mod ledger;
mod point;
mod rolling;
mod round;
mod stage;
mod staying;

use common::has;
use stage::{Stage, Telling};

/// A stage for these tests, if they can run.
fn stage(make: impl FnOnce() -> Option<Stage>) -> Option<Stage> {
    if has("strace") { make() } else { None }
}

#[test]
fn errors_at_the_first_publication() {
    let Some(stage) = stage(|| Stage::system(Telling::Nobody, false)) else {
        return;
    };
    round::errors(&stage, "first publication");
}

#[test]
fn errors_over_a_live_generation() {
    let Some(stage) = stage(|| Stage::system(Telling::Lists, true)) else {
        return;
    };
    round::errors(&stage, "live generation");
}

#[test]
fn errors_with_requests_through_systemctl() {
    let Some(stage) = stage(|| Stage::system(Telling::Systemctl, true)) else {
        return;
    };
    round::errors(&stage, "requests through systemctl");
}

#[test]
fn errors_in_user_mode() {
    let Some(stage) = stage(Stage::user) else { return };
    round::errors(&stage, "user mode");
}

#[test]
fn errors_and_kills_over_a_generation_that_stays() {
    if has("strace") {
        staying::faults();
    }
}

#[test]
fn errors_and_kills_of_a_rollback() {
    if has("strace") {
        rolling::faults();
    }
}

#[test]
fn killed_while_it_prunes_a_generation_to_which_one_could_roll_back() {
    if has("strace") {
        rolling::prunes();
    }
}

#[test]
fn errors_and_kills_while_templates_are_checked() {
    if has("strace") && has("setpriv") {
        checked::faults();
    }
}

#[test]
fn killed_while_links_are_made_and_removed() {
    if has("strace") {
        ledger::kills();
    }
}

#[test]
fn killed_at_the_first_publication() {
    let Some(stage) = stage(|| Stage::system(Telling::Nobody, false)) else {
        return;
    };
    round::kills(&stage, "first publication");
}

#[test]
fn killed_over_a_live_generation() {
    let Some(stage) = stage(|| Stage::system(Telling::Lists, true)) else {
        return;
    };
    round::kills(&stage, "live generation");
}

#[test]
fn killed_with_requests_through_systemctl() {
    let Some(stage) = stage(|| Stage::system(Telling::Systemctl, true)) else {
        return;
    };
    round::kills(&stage, "requests through systemctl");
}

#[test]
fn killed_in_user_mode() {
    let Some(stage) = stage(Stage::user) else { return };
    round::kills(&stage, "user mode");
}
