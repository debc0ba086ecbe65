//! Tests of requests to restart and to reload units.

use std::fs;
use std::path::PathBuf;

use serde_json::json;

use crate::common::{Manifest, Said, World};

/// A manifest in which the secret `a` has the value at `key`. `a` has units to restart and units to reload. `b` and the template
/// have other units.
fn manifest(world: &World, key: &str) -> Manifest {
    manifest_with(world, key, "0400", "root", "root")
}

fn manifest_with(world: &World, key: &str, mode: &str, owner: &str, group: &str) -> Manifest {
    let file = world.fixture("nesting.json");
    let fields = json!({
        "restartUnits": ["a.service", "both.service"], "reloadUnits": ["r.service"],
        "mode": mode, "owner": owner, "group": group,
    });
    world
        .manifest()
        .secret_with("a", &file, key, fields)
        .secret_with("b", &file, "database/tls", json!({"restartUnits": ["b.service"]}))
        .template("t", "x", json!({"restartUnits": ["t.service"]}))
}

const ONE: &str = "database/host";
const OTHER: &str = "a/b/c/d";

/// Reads the lists, and then empties `/run/nixos` for the next run.
fn lists(world: &World) -> String {
    let tree = world.tree("/run/nixos");
    world.shell("rm -f /run/nixos/*");
    tree
}

const TOLD: &str = "\
0600 0:0 activation-reload-list \"r.service\\n\"
0600 0:0 activation-restart-list \"a.service\\nboth.service\\n\"
";

#[test]
fn the_first_publication_tells_nobody() {
    let Some(world) = World::system() else { return };
    world.install(&manifest(&world, ONE));
    assert_eq!(lists(&world), "");
}

#[test]
fn units_of_what_changed_are_listed_with_mode_0600_whatever_the_umask() {
    let Some(world) = World::system() else { return };
    world.install(&manifest(&world, ONE));
    let path = world.save(&manifest(&world, OTHER));
    let mut command = world.command("sh");
    command
        .args(["-c", "umask 0; exec \"$0\" \"$1\""])
        .arg(world.executable())
        .arg(path);
    assert_eq!(world.finish(&mut command).code, Some(0));
    assert_eq!(lists(&world), TOLD);
    world.install(&manifest(&world, OTHER));
    assert_eq!(lists(&world), "", "nothing changed, so nobody is told");
}

#[test]
fn a_change_of_mode_owner_or_group_alone_is_a_change() {
    let Some(world) = World::system() else { return };
    world.install(&manifest(&world, ONE));
    for (mode, owner, group) in [("0440", "root", "root"), ("0440", "alice", "root"), ("0440", "alice", "web")] {
        let said = world.install(&manifest_with(&world, ONE, mode, owner, group));
        assert_eq!(said.out, "modifying secret: a\n", "{mode} {owner} {group}");
        assert_eq!(lists(&world), TOLD, "{mode} {owner} {group}");
    }
}

#[test]
fn units_of_what_was_added_are_told_and_those_of_what_was_removed_are_not() {
    let Some(world) = World::system() else { return };
    let all = manifest(&world, ONE);
    let mut without_a = all.clone();
    without_a.value()["secrets"].as_array_mut().unwrap().remove(0);
    world.install(&all);
    world.install(&without_a);
    assert_eq!(lists(&world), "");
    world.install(&all);
    assert_eq!(lists(&world), TOLD);
}

#[test]
fn units_of_a_changed_template_are_told() {
    let Some(world) = World::system() else { return };
    let with = |content| {
        let file = world.fixture("nesting.json");
        let fields = json!({"restartUnits": ["t.service"]});
        world
            .manifest()
            .secret("a", &file, content)
            .template("t", &crate::common::token("a"), fields)
    };
    world.install(&with(ONE));
    world.install(&with(OTHER));
    assert_eq!(lists(&world), "0600 0:0 activation-restart-list \"t.service\\n\"\n");
}

#[test]
fn what_others_have_listed_stays_in_the_lists() {
    let Some(world) = World::system() else { return };
    world.install(&manifest(&world, ONE));
    world.shell("printf 'other.service\\n' > /run/nixos/activation-restart-list");
    world.install(&manifest(&world, OTHER));
    assert_eq!(
        world.read("/run/nixos/activation-restart-list"),
        "other.service\na.service\nboth.service\n"
    );
}

#[test]
fn a_dry_run_writes_the_dry_lists_and_a_real_run_still_tells() {
    let Some(world) = World::system() else { return };
    world.install(&manifest(&world, ONE));
    let said = world.run_with(&manifest(&world, OTHER), |command| {
        command.env("NIXOS_ACTION", "dry-activate")
    });
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(lists(&world), TOLD.replace("activation-", "dry-activation-"));
    world.install(&manifest(&world, OTHER));
    assert_eq!(lists(&world), TOLD);
}

#[test]
fn without_a_directory_for_lists_nobody_is_told_and_nothing_is_made() {
    let Some(world) = World::system() else { return };
    world.shell("rmdir /run/nixos");
    world.install(&manifest(&world, ONE));
    let said = world.install(&manifest(&world, OTHER));
    assert_eq!(said.err, "");
    assert_eq!(world.shell("ls /run"), "secrets\nsecrets.d\n");
}

/// Makes a stand-in for systemctl, because no systemd runs here. The stand-in records its arguments and the secret that it finds at
/// that moment, and then does `action`. Returns the directory of the stand-in.
fn systemctl(world: &World, action: &str) -> PathBuf {
    let log = world.input("log");
    let script = format!(
        "#!/bin/sh\nexec >> {}\necho \"$*\" | sed 's/ --property=[^ ]*//'\nenv | grep -E 'KEY|SOPS' || :\nreadlink /run/secrets\ncat /run/secrets/a\necho\n{action}\n",
        log.display()
    );
    world.script("systemctl", &script)
}

/// Runs the program, which makes its requests by the stand-in.
fn run_via_systemctl(world: &World, manifest: &Manifest, action: &str) -> Said {
    let dir = systemctl(world, action);
    let key = fs::read_to_string(world.fixture("keys/other-age.txt")).unwrap();
    world.run_with(manifest, |command| {
        let path = format!("{}:{}", dir.display(), std::env::var("PATH").unwrap());
        command
            .env("PATH", path)
            .env("SOPS_RESTART_UNITS_VIA_SYSTEMCTL", "1")
            .env("SOPS_AGE_KEY", key.lines().last().unwrap())
    })
}

/// Reads what the stand-in has recorded, and empties the record for the next run.
fn log(world: &World) -> String {
    let log = fs::read_to_string(world.input("log")).unwrap_or_default();
    let _ = fs::remove_file(world.input("log"));
    log
}

#[test]
fn systemd_is_asked_after_the_link_is_swapped_and_sees_no_key() {
    let Some(world) = World::system() else { return };
    world.install(&manifest(&world, ONE));
    let said = run_via_systemctl(&world, &manifest(&world, OTHER), "exit 0");
    assert_eq!((said.code, said.out.as_str()), (Some(0), "modifying secret: a\n"));
    assert_eq!(
        log(&world),
        "show -- a.service both.service r.service\n/run/secrets.d/2\ndeep\n\
         --no-block try-restart -- a.service both.service\n/run/secrets.d/2\ndeep\n\
         --no-block try-reload-or-restart -- r.service\n/run/secrets.d/2\ndeep\n"
    );
    assert_eq!(lists(&world), "", "asked once, not twice");
    run_via_systemctl(&world, &manifest(&world, OTHER), "exit 0");
    assert_eq!(log(&world), "");
}

#[test]
fn requests_of_a_run_that_was_killed_before_it_made_them_are_made_by_the_next() {
    let Some(world) = World::system() else { return };
    world.install(&manifest(&world, ONE));
    let killed = run_via_systemctl(&world, &manifest(&world, OTHER), "kill -9 $PPID");
    assert_eq!(killed.code, None, "the program was killed: {killed:?}");
    assert_eq!(world.shell("readlink /run/secrets"), "/run/secrets.d/2\n");
    log(&world);

    let next = run_via_systemctl(&world, &manifest(&world, OTHER), "exit 0");
    assert_eq!((next.code, next.out.as_str()), (Some(0), ""));
    assert_eq!(
        log(&world),
        "show -- a.service both.service r.service\n/run/secrets.d/3\ndeep\n\
         --no-block try-restart -- a.service both.service\n/run/secrets.d/3\ndeep\n\
         --no-block try-reload-or-restart -- r.service\n/run/secrets.d/3\ndeep\n"
    );
    run_via_systemctl(&world, &manifest(&world, OTHER), "exit 0");
    assert_eq!(log(&world), "", "made once");
    assert_eq!(world.shell("ls /run/secrets.d"), "4\n");
}

#[test]
fn a_refusal_of_systemd_is_told_and_the_secrets_stay_published() {
    let Some(world) = World::system() else { return };
    world.install(&manifest(&world, ONE));
    let said = run_via_systemctl(
        &world,
        &manifest(&world, OTHER),
        "echo 'Unit a.service not found.' >&2; exit 5",
    );
    assert_eq!(
        said.err,
        "error: systemctl try-restart failed with exit status: 5: Unit a.service not found.; correct restartUnits and reloadUnits, or run: systemctl try-restart \
         a.service both.service\n\
         error: systemctl try-reload-or-restart failed with exit status: 5: Unit a.service not found.; correct restartUnits and reloadUnits, or run: systemctl \
         try-reload-or-restart r.service\n"
    );
    assert_eq!(world.read("/run/secrets/a"), "deep");
    assert_eq!(said.code, Some(3));
}

/// The answer of the stand-in to `show`: a.service runs, both.service has failed, and r.service runs and can be reloaded.
const STATES: &str =
    "[ \"$1\" != show ] || printf 'LoadState=loaded\\nCanReload=yes\\nActiveState=%s\\n\\n' active failed active >&3";

/// Runs with a stand-in that reports states.
fn run_with_states(world: &World, manifest: &Manifest, wrap: &str) -> Said {
    run_with_answer(world, manifest, STATES, wrap)
}

/// Runs with a stand-in for which `answer` reports states. The stand-in prints them, so its output is kept apart from its record.
fn run_with_answer(world: &World, manifest: &Manifest, answer: &str, wrap: &str) -> Said {
    let log = world.input("log");
    let script = format!(
        "#!/bin/sh\nexec 3>&1 >> {}\necho \"$*\" | sed 's/ --property=[^ ]*//'\n[ \"$1\" != --user ] || shift\n{answer}\n",
        log.display()
    );
    let dir = world.script("systemctl", &script);
    let path = world.save(manifest);
    let mut command = world.command("sh");
    command
        .args(["-c", wrap])
        .arg(world.executable())
        .arg(path)
        .env("PATH", format!("{}:{}", dir.display(), std::env::var("PATH").unwrap()))
        .env("SOPS_RESTART_UNITS_VIA_SYSTEMCTL", "1");
    world.finish(&mut command)
}

/// It is no error: the others are told, the secrets are live, and a unit may rightly be gone. The evaluation has warned as well.
#[test]
fn a_name_of_no_unit_and_a_bare_template_are_warnings_once_the_others_are_told() {
    let Some(world) = World::system() else { return };
    let file = world.fixture("nesting.json");
    let manifest = |key| {
        let units = json!({"restartUnits": ["ngnix.service", "app@.service", "a.service"], "reloadUnits": ["b@.service"]});
        world.manifest().with("version", 1).secret_with("a", &file, key, units)
    };
    world.install(&manifest(ONE));
    let answer = "[ \"$1\" != show ] || printf 'LoadState=%s\\nActiveState=%s\\n\\n' not-found inactive loaded active >&3";
    let said = run_with_answer(&world, &manifest(OTHER), answer, "exec \"$0\" \"$1\"");
    assert_eq!(
        said.err,
        "warning: ngnix.service is not restarted or reloaded: systemd has no unit of this name; correct restartUnits and reloadUnits\n\
         warning: app@.service is not restarted or reloaded: it is a template, and only instances of a template can run; write the names of \
         instances in restartUnits and reloadUnits\n\
         warning: b@.service is not restarted or reloaded: it is a template, and only instances of a template can run; write the names of \
         instances in restartUnits and reloadUnits\n"
    );
    assert_eq!(said.code, Some(0));
    assert_eq!(
        log(&world),
        "show -- ngnix.service a.service\n--no-block try-restart -- a.service\n"
    );
    assert_eq!(world.read("/run/secrets/a"), "deep");
}

#[test]
fn a_dry_run_by_systemctl_says_what_it_would_ask_and_asks_for_nothing() {
    let Some(world) = World::system() else { return };
    world.install(&manifest(&world, ONE));
    let said = run_with_states(
        &world,
        &manifest(&world, OTHER),
        "NIXOS_ACTION=dry-activate exec \"$0\" \"$1\"",
    );
    assert_eq!(said.out, "would modify secret: a\n");
    assert_eq!(
        said.err,
        "would run: systemctl try-restart a.service\n\
         would run: systemctl try-reload-or-restart r.service\n\
         would run: systemctl start both.service\n"
    );
    assert_eq!(log(&world), "show -- a.service both.service r.service\n");
    assert_eq!(lists(&world), "");
}

#[test]
fn what_a_switch_does_itself_is_not_done_twice() {
    let Some(world) = World::system() else { return };
    world.install(&manifest(&world, ONE));
    world.shell("echo a.service > /run/nixos/restart-list; echo r.service > /run/nixos/reload-list");
    let locked = "exec flock /run/nixos/switch-to-configuration.lock \"$0\" \"$1\"";
    let said = run_with_states(&world, &manifest(&world, OTHER), locked);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    assert_eq!(
        log(&world),
        "show -- a.service both.service r.service\nreset-failed -- both.service\n--no-block start -- both.service\n"
    );
}

#[test]
fn a_switch_of_the_system_has_nothing_to_do_with_the_units_of_a_user() {
    let Some(world) = World::system() else { return };
    let locked = "exec flock /run/nixos/switch-to-configuration.lock \"$0\" \"$1\"";
    world.shell("echo both.service > /run/nixos/restart-list");
    let of_user = manifest(&world, ONE).with("userMode", true);
    let locked = format!("export SOPS_NIX_SYSTEMCTL=$(command -v systemctl); {locked}");
    let said = run_with_states(&world, &of_user, &locked);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    let log = log(&world);
    assert!(log.ends_with("--user --no-block start -- both.service\n"), "{log}");
}

#[test]
fn what_a_switch_left_in_its_lists_counts_only_while_one_is_running() {
    let Some(world) = World::system() else { return };
    world.install(&manifest(&world, ONE));
    world.shell("echo a.service > /run/nixos/restart-list; : > /run/nixos/switch-to-configuration.lock");
    run_with_states(&world, &manifest(&world, OTHER), "exec \"$0\" \"$1\"");
    let log = log(&world);
    assert!(log.contains("--no-block try-restart -- a.service\n"), "{log}");
}

/// Runs the program, which makes its requests by lists. There are stand-ins for systemctl and systemd-run at the paths that the
/// module names.
fn run_by_lists(world: &World, manifest: &Manifest) -> (Said, PathBuf) {
    let log = world.input("log");
    let noting = |name: &str, more: &str| {
        let script = format!(
            "#!/bin/sh\nexec 3>&1 >> {}\necho \"{name} $*\" | sed 's/ --property=[^ ]*//; s/-[0-9-]* --setenv/ --setenv/'\n{more}\n",
            log.display()
        );
        world.script(name, &script)
    };
    noting("systemd-run", "");
    let dir = noting("systemctl", STATES);
    let said = world.run_with(manifest, |command| command.env("SOPS_NIX_SYSTEMCTL", dir.join("systemctl")));
    (said, dir)
}

#[test]
fn whoever_writes_a_list_sees_to_it_that_it_is_looked_at_after_the_switch() {
    let Some(world) = World::system() else { return };
    world.install(&manifest(&world, ONE));
    let (said, dir) = run_by_lists(&world, &manifest(&world, OTHER));
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    let log_of_first = log(&world);
    let time = since(&log_of_first).unwrap();
    assert_eq!(
        log_of_first,
        format!(
            "systemctl show -- a.service both.service r.service\n\
             systemd-run --quiet --no-block --collect --description=Restart units whose secrets have changed --unit=sops-nix-requests \
             --setenv=SOPS_NIX_SYSTEMCTL={}/systemctl -- {} --after-switch {time} both.service\n",
            dir.display(),
            world.executable().display()
        )
    );
}

/// The argument with the time at which the lists were written.
fn since(log: &str) -> Option<&str> {
    log.split_whitespace().find(|word| word.starts_with("--since="))
}

const LISTS: [&str; 4] = [
    "activation-restart-list",
    "activation-reload-list",
    "activation-restart-list.taken",
    "activation-reload-list.taken",
];

#[test]
fn a_list_that_was_left_behind_is_taken_up_by_a_run_that_changes_nothing() {
    let Some(world) = World::system() else { return };
    world.install(&manifest(&world, ONE));
    for list in LISTS {
        world.shell(&format!("echo z.service > /run/nixos/{list}"));
        run_by_lists(&world, &manifest(&world, ONE));
        let log = log(&world);
        assert!(log.ends_with(" --after-switch\n"), "{list}: {log}");
        world.shell("rm /run/nixos/*");
    }
    run_by_lists(&world, &manifest(&world, ONE));
    assert_eq!(log(&world), "");
}

#[test]
fn a_list_that_was_left_behind_is_taken_up_where_a_unit_installs() {
    let Some(world) = World::system() else { return };
    world.install(&manifest(&world, ONE));
    let note = format!("#!/bin/sh\necho \"$*\" >> {}\n", world.input("log").display());
    let dir = world.script("systemd-run", &note);
    for list in LISTS {
        for key in [OTHER, OTHER, ONE] {
            world.shell(&format!("echo z.service > /run/nixos/{list}"));
            run_with_states(&world, &manifest(&world, key), "exec \"$0\" \"$1\"");
            let log = log(&world);
            // systemd may use another search path than this run, so the path of systemctl must be passed.
            let wanted = format!(" --setenv=SOPS_NIX_SYSTEMCTL={}/systemctl -- ", dir.display());
            assert!(log.contains(&wanted) && log.contains(" --after-switch\n"), "{list}: {log}");
            world.shell("rm /run/nixos/*");
        }
    }
}

#[test]
fn of_lists_that_are_not_of_this_run_alone_no_time_is_known() {
    let Some(world) = World::system() else { return };
    world.install(&manifest(&world, ONE));
    for (list, key) in LISTS.into_iter().zip([OTHER, ONE, OTHER, ONE]) {
        world.shell(&format!("echo z.service > /run/nixos/{list}"));
        run_by_lists(&world, &manifest(&world, key));
        let log = log(&world);
        assert!(log.contains("--after-switch") && since(&log).is_none(), "{list}: {log}");
        world.shell("rm /run/nixos/*");
    }
}

/// Makes the requests that are left at the end of a switch. Returns which units were restarted or reloaded if all units have
/// started this long after the lists were written.
fn made_if_started(world: &World, microseconds: i64, meanwhile: &str) -> String {
    world.install(&manifest(world, ONE));
    lists(world);
    run_by_lists(world, &manifest(world, OTHER));
    let log_of_run = log(world);
    let since = since(&log_of_run).unwrap();
    let time = since.trim_start_matches("--since=").split(',').next().unwrap();
    let started = time.parse::<i64>().unwrap() + microseconds;
    world.shell(meanwhile);
    let states = STATES.replace("loaded", &format!("loaded\\nInactiveExitTimestampMonotonic={started}"));
    let said = after_switch_with(world, &states, &format!("\"$0\" --after-switch {since}"));
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    let log = log(world);
    log.split_inclusive('\n').filter(|line| line.contains("try-")).collect()
}

#[test]
fn a_unit_that_has_started_since_the_lists_were_written_is_left_alone_and_no_other() {
    let Some(world) = World::system() else { return };
    let all = "--no-block try-restart -- a.service\n--no-block try-reload-or-restart -- r.service\n";
    assert_eq!(made_if_started(&world, 1, ":"), "");
    assert_eq!(made_if_started(&world, -1, ":"), all);
    // Another program has added a line after this run.
    let line = "sleep 0.05; echo a.service >> /run/nixos/activation-restart-list";
    assert_eq!(made_if_started(&world, 1, line), all);
    // An earlier run, which was killed, has already taken the lists.
    let taking = "cd /run/nixos; for list in *-list; do mv $list $list.taken; done";
    assert_eq!(made_if_started(&world, 1, taking), all);
}

/// Runs the program with the arguments with which it starts itself for the end of a switch.
fn after_switch(world: &World, wrap: &str) -> Said {
    after_switch_with(world, STATES, wrap)
}

fn after_switch_with(world: &World, states: &str, wrap: &str) -> Said {
    let log = world.input("log");
    let script = format!(
        "#!/bin/sh\nexec 3>&1 >> {}\necho \"$*\" | sed 's/ --property=[^ ]*//'\n{states}\n",
        log.display()
    );
    let dir = world.script("systemctl", &script);
    let mut command = world.command("sh");
    command
        .args(["-c", wrap])
        .arg(world.executable())
        .env("SOPS_NIX_SYSTEMCTL", dir.join("systemctl"));
    world.finish(&mut command)
}

const MADE: &str = "show -- a.service both.service r.service\n\
                    --no-block try-restart -- a.service\n\
                    --no-block try-reload-or-restart -- r.service\n\
                    reset-failed -- both.service\n\
                    --no-block start -- both.service\n";

#[test]
fn lists_that_no_switch_has_read_are_done_by_systemctl_and_removed() {
    let Some(world) = World::system() else { return };
    world.install(&manifest(&world, ONE));
    world.install(&manifest(&world, OTHER));
    let said = after_switch(&world, "\"$0\" --after-switch");
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    assert_eq!(log(&world), MADE);
    assert_eq!(world.shell("ls /run/nixos"), "sops-nix-requests.lock\n");
    after_switch(&world, "\"$0\" --after-switch");
    assert_eq!(log(&world), "", "done once");
}

#[test]
fn lists_that_a_switch_reads_are_left_to_it() {
    let Some(world) = World::system() else { return };
    world.install(&manifest(&world, ONE));
    world.install(&manifest(&world, OTHER));
    // The switch holds its lock for a second, and reads the lists during this time.
    let said = after_switch(
        &world,
        "flock /run/nixos/switch-to-configuration.lock sh -c 'sleep 1; rm /run/nixos/activation-*-list' &\n\
         until ! flock -n /run/nixos/switch-to-configuration.lock true; do sleep 0.01; done\n\
         \"$0\" --after-switch",
    );
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    assert_eq!(log(&world), "");
}

#[test]
fn requests_that_systemd_did_not_get_after_a_switch_are_kept_for_the_next_time() {
    let Some(world) = World::system() else { return };
    world.install(&manifest(&world, ONE));
    world.install(&manifest(&world, OTHER));
    let mut command = world.command(world.executable());
    command.arg("--after-switch").env("SOPS_NIX_SYSTEMCTL", "/no/such/systemctl");
    assert_eq!(world.finish(&mut command).code, Some(3));
    after_switch(&world, "\"$0\" --after-switch");
    assert_eq!(log(&world), MADE);
    assert_eq!(world.shell("ls /run/nixos"), "sops-nix-requests.lock\n");
}
