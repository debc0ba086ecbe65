//! Injects each fault into each call, and judges the results.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use crate::common::say;
use crate::point::{Fault, Point};
use crate::stage::{CHANGES, Ended, Live, Stage, Telling};

/// How often runs ended in each way.
#[derive(Default)]
struct Tally {
    /// How many faults were tried.
    tried: usize,
    /// Exit code 0: the run did all its work in spite of the fault.
    done: usize,
    /// Exit codes 1 and 2: the run changed nothing.
    unchanged: usize,
    /// Exit code 3: the run published, but something else failed.
    partly: usize,
    /// The run was ended by a signal, or by the dynamic loader.
    ended: usize,
    /// The faults after which the run broke a rule.
    broken: Vec<String>,
}

/// Makes every call fail in every way.
pub fn errors(stage: &Stage, name: &str) {
    let points = stage.points();
    let faults = |point: &Point| {
        point
            .faults()
            .into_iter()
            .map(move |fault| (point.clone(), fault))
            .collect::<Vec<_>>()
    };
    round(stage, name, &points, points.iter().flat_map(faults).collect());
}

/// Kills the program at every call.
pub fn kills(stage: &Stage, name: &str) {
    let points = stage.points();
    let tries = points.iter().map(|point| (point.clone(), Fault::Kill)).collect();
    round(stage, &format!("{name}, killed"), &points, tries);
}

/// Tries all faults, judges each run, and prints the counts.
fn round(stage: &Stage, name: &str, points: &[Point], tries: Vec<(Point, Fault)>) {
    let start = Instant::now();
    let mut tally = Tally::default();
    for (point, fault) in tries {
        tally.tried += 1;
        let what = format!("{point:?}: {fault:?}");
        let judged = catch_unwind(AssertUnwindSafe(|| attempt(stage, &point, fault, &what)));
        match judged {
            Ok(Some(0)) => tally.done += 1,
            Ok(Some(1 | 2)) => tally.unchanged += 1,
            Ok(Some(3)) => tally.partly += 1,
            Ok(_) => tally.ended += 1,
            Err(_) => tally.broken.push(what),
        }
    }
    say(&format!(
        "faults: {name}: {} calls, {tally}, {} s",
        points.len(),
        start.elapsed().as_secs()
    ));
    assert!(tally.tried > 100, "only {} points", tally.tried);
    // If strace injected nothing, all runs would be done.
    assert!(tally.done * 3 < tally.tried * 2, "{tally}");
    assert!(tally.broken.is_empty(), "{}", tally.broken.join("\n"));
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            tried,
            done,
            unchanged,
            partly,
            ended,
            broken,
        } = self;
        write!(
            f,
            "{tried} points ({done} done all the same, {unchanged} changed nothing, {partly} published with an error, {ended} ended), {} broken",
            broken.len()
        )
    }
}

/// Makes a run with a fault, and then a run without one. Returns the exit code of the first run.
fn attempt(stage: &Stage, point: &Point, fault: Fault, what: &str) -> Option<i32> {
    stage.reset();
    let ended = stage.run_with(point, fault);
    let what = format!("{what}\n{ended:?}");
    let live = stage.live();
    judge_end(&ended, point, fault, &what);
    judge_live(stage, &ended, &live, &what);
    judge_words(stage, &ended, point, fault, &live, &what);
    stage.assert_nothing_is_lost(&what);
    stage.world.assert_no_leak();
    if ended.code == Some(0) {
        stage.assert_published(stage.first_number(), ended.has_no_group(), &what);
        assert!(
            is_told_or_said(stage, &ended),
            "{what}: units were not told: {:?}",
            stage.told()
        );
    }
    next(stage, &live, &what);
    ended.code
}

/// Checks that the run ended by itself and with a known exit code. The exceptions are a run that was killed, and a run without
/// memory.
fn judge_end(ended: &Ended, point: &Point, fault: Fault, what: &str) {
    if !point.is_own {
        return;
    }
    assert!(!ended.err.contains("a fault in sops-install-secrets"), "{what}: panicked");
    let is_orderly = matches!(ended.code, Some(0..=3));
    let is_killed = fault == Fault::Kill && ended.signal == Some(9);
    let is_out_of_memory = ended.signal == Some(6) && ended.err.contains("memory allocation of");
    assert!(
        is_orderly || is_killed || is_out_of_memory,
        "{what}: ended by neither itself nor us"
    );
}

/// Checks that the old set or the new set is published completely, and that the exit code says which.
fn judge_live(stage: &Stage, ended: &Ended, live: &Live, what: &str) {
    let is_old = *live == stage.old();
    let new = Some(stage.new_whole(stage.first_number(), ended.has_no_group()));
    let is_new = *live == new;
    // If no generation was live, only a part of the set may be published: this is better than nothing.
    let is_part = !stage.is_live && ended.code == Some(3) && is_part_of(live, &new);
    let is_right = match ended.code {
        Some(0) => is_new,
        Some(1 | 2) => is_old,
        Some(3) => is_new || is_part,
        _ => is_old || is_new,
    };
    assert!(is_right, "{what}: published is {live:?}");
}

/// Whether every published file is as in the complete set.
fn is_part_of(live: &Live, whole: &Live) -> bool {
    let (Some((number, tree)), Some((whole_number, whole))) = (live, whole) else {
        return false;
    };
    number == whole_number && tree.lines().all(|line| whole.lines().any(|other| other == line))
}

/// Checks that the messages of the run agree with what it did.
fn judge_words(stage: &Stage, ended: &Ended, point: &Point, fault: Fault, live: &Live, what: &str) {
    if point.is_mute(fault) || fault == Fault::Kill {
        return;
    }
    let is_error_told = ended.err.lines().any(|line| line.starts_with("error: "));
    match ended.code {
        Some(0) => assert!(!is_error_told, "{what}: an error, and exit code 0"),
        Some(1..=3) => assert!(is_error_told, "{what}: no error is told"),
        _ => return,
    }
    let is_change_told = stage.is_live && *live != stage.old();
    let expected = if is_change_told { CHANGES } else { "" };
    // A published file that the program is not allowed to read counts as changed. The plain user may have declared such a mode.
    let is_unreadable = is_change_told && matches!(fault, Fault::Once("EACCES") | Fault::Lasting("EACCES"));
    assert!(ended.out == expected || is_unreadable, "{what}");
}

/// Whether both units were told and the record was removed. A record may stay if a warning reports it.
fn is_told_or_said(stage: &Stage, ended: &Ended) -> bool {
    let is_settled = !stage.is_pending(stage.first_number()) || ended.err.contains(".pending");
    let is_told = stage.telling == Telling::Nobody || stage.told().iter().all(|count| *count == 1);
    is_settled && is_told
}

/// Checks that the next run does everything that is left.
fn next(stage: &Stage, before: &Live, what: &str) {
    let is_new = before.as_ref().is_some_and(|(number, _)| *number == stage.first_number());
    let is_due = !is_new || stage.is_pending(stage.first_number());
    let told = stage.told();
    let ended = stage.run();
    let what = format!("{what}\nthe next run: {ended:?}");
    assert_eq!(ended.code, Some(0), "{what}");
    stage.assert_complete(stage.next_number(before), &what);
    match stage.telling {
        Telling::Nobody => {}
        // A unit may be told twice only if the run ended after it told the unit, and before it removed the record of the request.
        Telling::Lists => assert_eq!(stage.told(), told.map(|count| count + usize::from(is_due)), "{what}"),
        // A stand-in that the run had started may still be running, and may record its call later.
        Telling::Systemctl => assert!(stage.told().iter().all(|count| *count >= 1), "{what}"),
    }
    if stage.telling != Telling::Nobody {
        assert!(is_due || told.iter().all(|count| *count == 1), "{what}: told {told:?}");
    }
}
