//! Tests of unit requests: they are made after the swap, and are never lost.

use super::*;
use crate::install::units::PROPERTIES;

/// An entry with units.
fn entry<'a>(content: &'a [u8], restart: &'a [String], reload: &'a [String]) -> [Entry<'a>; 1] {
    [Entry {
        restart_units: restart,
        reload_units: reload,
        ..secret("a", content)
    }]
}

/// Makes a program in place of systemctl. The program notes the target of the link, and then does what `body` says.
fn fake_systemctl(world: &World, body: &str) -> Channel {
    let program = world.top.join("systemctl");
    let (link, top) = (world.site.link.display(), world.top.display());
    script(&program, &format!("readlink {link} >> {top}/links\n{body}"));
    Channel::Systemctl(program)
}

#[test]
fn units_are_told_after_the_swap_and_the_record_goes() {
    let world = World::new();
    let (restart, reload) = (units(&["a.service", "b c.service"]), units(&["r.service"]));
    let channel = fake_systemctl(&world, "printf '<%s>' \"$@\" >> \"$(dirname \"$0\")/calls\"");
    publish(&world.site, &entry(b"1", &restart, &reload), Extent::Whole, &channel).unwrap();
    assert_eq!(
        fs::read_to_string(world.top.join("calls")).unwrap(),
        format!("<show><{PROPERTIES}><--><a.service><b c.service><r.service>"),
        "nobody is told at the first publication"
    );
    for file in ["calls", "links"] {
        fs::remove_file(world.top.join(file)).unwrap();
    }
    let published = publish(&world.site, &entry(b"2", &restart, &reload), Extent::Whole, &channel).unwrap();
    assert!(published.failures.is_empty(), "{:?}", published.failures);
    assert_eq!(
        fs::read_to_string(world.top.join("calls")).unwrap(),
        format!("<show><{PROPERTIES}><--><a.service><b c.service><r.service>")
            + "<--no-block><try-restart><--><a.service><b c.service><--no-block><try-reload-or-restart><--><r.service>"
    );
    let second = world.site.mount_point.join("2").display().to_string();
    assert_eq!(
        fs::read_to_string(world.top.join("links")).unwrap(),
        format!("{second}\n").repeat(3)
    );
    assert_eq!(world.tree("secrets.d"), ["secrets.d/2/ 751", "secrets.d/2/a 400"]);
}

#[test]
fn a_crash_after_the_swap_loses_no_request() {
    let world = World::new();
    let (one, two) = (units(&["one", "both"]), units(&["two", "both"]));
    fs::create_dir(world.top.join("nixos")).unwrap();
    world.publish(&entry(b"1", &[], &[])).unwrap();
    // A run that was killed between the swap and the requests leaves this state.
    world.publish(&entry(b"2", &[], &[])).unwrap();
    fs::write(
        world.site.mount_point.join("2.pending"),
        "restart one\nrestart both\nreload r\n",
    )
    .unwrap();

    let seen = Preview::of(&world.site, &entry(b"2", &one, &[])).unwrap();
    assert_eq!(seen.changes.units.restart, ["one", "both"], "the dry run knows too");
    world.publish_with_lists(&entry(b"3", &two, &[])).unwrap();
    assert_eq!(
        fs::read_to_string(world.top.join("nixos/activation-restart-list")).unwrap(),
        "one\nboth\ntwo\n"
    );
    assert_eq!(
        fs::read_to_string(world.top.join("nixos/activation-reload-list")).unwrap(),
        "r\n"
    );
    world.publish_with_lists(&entry(b"3", &two, &[])).unwrap();
    assert_eq!(
        fs::read_to_string(world.top.join("nixos/activation-restart-list")).unwrap(),
        "one\nboth\ntwo\n"
    );
}

#[test]
fn a_record_of_another_generation_does_not_count() {
    let world = World::new();
    world.publish(&entry(b"1", &[], &[])).unwrap();
    for stale in ["2.pending", "7.pending"] {
        fs::write(world.site.mount_point.join(stale), "restart stale\n").unwrap();
    }
    let published = world.publish_with_lists(&entry(b"2", &[], &[])).unwrap();
    assert!(published.changes.units.is_empty());
    // A run that was killed before the swap may have left a record under the number of a later generation. When that generation is
    // made, the old record still does not count.
    assert!(
        Preview::of(&world.site, &entry(b"2", &[], &[]))
            .unwrap()
            .changes
            .units
            .is_empty()
    );
}

#[test]
fn a_request_that_did_not_arrive_is_made_by_the_next_run() {
    let world = World::new();
    let unit = units(&["a.service"]);
    world.publish(&entry(b"1", &unit, &[])).unwrap();
    let missing = Channel::Systemctl(world.top.join("no-such-program"));
    let published = publish(&world.site, &entry(b"2", &unit, &[]), Extent::Whole, &missing).unwrap();
    let failure = published.failures[0].to_string();
    assert!(
        failure.contains("no-such-program try-restart") && failure.contains("a.service"),
        "{failure}"
    );
    let record = world.site.mount_point.join("2.pending");
    assert_eq!(record.metadata().unwrap().mode() & 0o7777, 0o600);
    fs::create_dir(world.top.join("nixos")).unwrap();
    world.publish_with_lists(&entry(b"2", &unit, &[])).unwrap();
    assert_eq!(
        fs::read_to_string(world.top.join("nixos/activation-restart-list")).unwrap(),
        "a.service\n"
    );
    assert_eq!(world.tree("secrets.d"), ["secrets.d/3/ 751", "secrets.d/3/a 400"]);
}

#[test]
fn a_refused_unit_is_reported_and_not_asked_for_again() {
    let world = World::new();
    let unit = units(&["typo.service"]);
    let channel = fake_systemctl(&world, "echo Unit typo.service not found. >&2; exit 5");
    publish(&world.site, &entry(b"1", &unit, &[]), Extent::Whole, &channel).unwrap();
    let published = publish(&world.site, &entry(b"2", &unit, &[]), Extent::Whole, &channel).unwrap();
    let failure = published.failures[0].to_string();
    assert!(
        failure.contains("Unit typo.service not found.") && failure.ends_with("systemctl try-restart typo.service"),
        "{failure}"
    );
    assert!(!world.site.mount_point.join("2.pending").exists());
}

#[test]
fn nobody_is_told_without_a_channel() {
    let world = World::new();
    let unit = units(&["a.service"]);
    world.publish(&entry(b"1", &unit, &[])).unwrap();
    let published = world.publish(&entry(b"2", &unit, &[])).unwrap();
    assert_eq!(published.changes.units.restart, ["a.service"]);
    assert_eq!(world.tree("secrets.d"), ["secrets.d/2/ 751", "secrets.d/2/a 400"]);
}
