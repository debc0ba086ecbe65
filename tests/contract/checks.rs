//! Tests of checks: programs that look at rendered templates before these are published.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::common::{Call, Manifest, World, calls, has, token};

const PASSWORD: &str = "correct horse battery staple";

/// Where the checks of all tests may be found to have left something.
const REMAINS: &str = "ls -A /run/secrets.d | grep check || true";

/// Makes a program of a shell.
fn program(world: &World, name: &str, script: &str) -> PathBuf {
    world.script(name, &format!("#!/bin/sh\n{script}\n")).join(name)
}

/// A manifest with a secret.
fn bare(world: &World) -> Manifest {
    let file = world.fixture("nesting.json");
    let manifest = world.manifest().with("version", 1);
    manifest.secret("password", &file, "database/users/admin/password")
}

/// A manifest with the template `app/t.conf`, at which the script looks.
fn checked(world: &World, content: &str, script: &str) -> Manifest {
    let check = program(world, "check", script);
    bare(world).template(
        "app/t.conf",
        content,
        json!({"check": check, "restartUnits": ["app.service"]}),
    )
}

/// A script that counts its runs, and what does the counting.
fn counting(world: &World) -> (String, impl Fn() -> usize) {
    let runs = world.write("runs", "");
    let script = format!("echo run >> {}", runs.display());
    (script, move || fs::read_to_string(&runs).unwrap().lines().count())
}

/// Waits until the script says that it runs, in the file `running` of the world.
fn await_check(world: &World) {
    let start = Instant::now();
    while !world.input("running").exists() {
        assert!(start.elapsed() < Duration::from_secs(30));
        sleep(Duration::from_millis(10));
    }
}

/// The script of a check that says that it runs, and then hangs.
fn hanging(world: &World) -> String {
    let running = world.input("running").display().to_string();
    format!("echo $$ > {running}.new; mv {running}.new {running}; exec sleep 600")
}

/// Starts a run with this manifest.
fn started(world: &World, manifest: &Manifest) -> Child {
    let path = world.save(manifest);
    let mut command = world.program([path]);
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Whether the check that hangs is still there.
fn hangs(world: &World) -> bool {
    let process = fs::read_to_string(world.input("running")).unwrap();
    world.shell(&format!("kill -0 {} 2> /dev/null && echo yes || true", process.trim())) == "yes\n"
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([name, &child.id().to_string()]).status();
    assert!(status.unwrap().success());
}

#[test]
fn a_check_has_the_text_in_a_file_of_its_own_and_nothing_else() {
    let Some(world) = World::system() else { return };
    let seen = world.write("seen", "");
    let script = format!(
        "{{ cat; cat \"$1\"; echo; echo \"$1\"; stat -c '%a %u' \"$1\" \"$TMPDIR\"; stat -f -c %T \"$TMPDIR\"; echo x > \"$(mktemp)\"; \
         ls /run/secrets; flock --nonblock /run/secrets.d/.lock echo unlocked; env; }} > {} 2>&1",
        seen.display()
    );
    let manifest = checked(&world, &format!("p={}", token("password")), &script);
    let said = world.run_with(&manifest, |command| {
        command.env("SOPS_AGE_KEY_CMD", "false").env("TOKEN", "x")
    });
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    let path = "/run/secrets.d/.checking.1/t.conf";
    let seen = fs::read_to_string(&seen).unwrap();
    let expected = format!(
        "cat: -: Is a directory\np={PASSWORD}\n{path}\n400 0\n700 0\nramfs\nls: cannot access '/run/secrets': No such file or directory\nunlocked\n"
    );
    let (before, variables) = seen.split_at(expected.len());
    assert_eq!(before, expected);
    let names: Vec<_> = variables
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name)
        .collect();
    assert!(
        names.contains(&"PATH") && !names.contains(&"TOKEN") && !variables.contains("SOPS"),
        "{variables}"
    );
    assert_eq!(world.read("/run/secrets/rendered/app/t.conf"), format!("p={PASSWORD}"));
    assert_eq!(world.shell(REMAINS), "");
}

#[test]
fn a_text_that_its_check_refuses_is_a_failure_that_quotes_nothing() {
    let Some(world) = World::system() else { return };
    let refusing = "cat \"$1\"; printf '. \\377\n'; cat >&2 \"$1\"; exit 7";
    let bad = checked(&world, &token("password"), refusing).template("other", "x", json!({}));
    let said = world.run_with(&bad, |command| command.env("RUST_LOG", "trace"));
    let kept = "/run/secrets.d/.check-output/app/t.conf";
    assert_eq!(
        said.err,
        format!(
            "error: template \"app/t.conf\": its check $DIR/bin/check: exit status 7; to see what it said, run: sudo cat {kept}\n\
             error: published 2 of 3 in /run/secrets, without: app/t.conf (used by app.service); repair the faults named above, and run: \
             systemctl restart sops-nix\n"
        )
    );
    assert_eq!(said.code, Some(3), "nothing was live, so the rest is published");
    assert!(!said.told.contains("horse") && !said.out.contains("horse"), "{said:?}");
    assert_eq!(world.shell("ls /run/secrets/rendered"), "other\n");
    let printed = format!("{PASSWORD}. \u{fffd}\n{PASSWORD}");
    assert_eq!(world.read(kept), printed, "both streams, and bytes that are no text");
    assert_eq!(
        world.shell("cd /run/secrets.d/.check-output; stat -c '%a %u:%g %n' . app app/*; stat -f -c %T ."),
        "700 0:0 .\n700 0:0 app\n400 0:0 app/t.conf\nramfs\n"
    );
    world.assert_no_leak();

    let said = world.run(&bad);
    let unchanged =
        "error: nothing was changed, because these failed: app/t.conf (used by app.service); /run/secrets is unchanged\n";
    assert!(said.err.ends_with(unchanged), "{}", said.err);
    assert_eq!(said.code, Some(1), "the rest is live");
    // The record has the cause, and nothing of what the check has printed.
    let record = world.read("/run/secrets.d/.last-run.json");
    assert!(record.contains("exit status 7") && !record.contains("horse"), "{record}");

    // What it has printed goes with the refusal.
    world.install(&checked(&world, &token("password"), "true").template("other", "x", json!({})));
    assert_eq!(world.shell(REMAINS), "");
}

#[test]
fn what_a_check_has_printed_goes_with_its_template_and_when_the_live_text_is_wanted_again() {
    let Some(world) = World::system() else { return };
    let is_kept = || world.path("/run/secrets.d/.check-output/app/t.conf").exists();
    let refuse = || {
        assert_eq!(world.run(&checked(&world, "2", "echo no; exit 1")).code, Some(1));
        assert!(is_kept());
    };
    world.install(&checked(&world, "1", "true"));
    refuse();
    // A run that does not come to its checks leaves it.
    let failing = checked(&world, "2", "true").secret("absent", &world.fixture("nesting.json"), "nothing");
    assert_eq!(world.run(&failing).code, Some(1));
    assert!(is_kept());
    world.install(&checked(&world, "1", "true"));
    assert!(!is_kept());
    refuse();
    world.install(&bare(&world));
    assert!(!is_kept());
    assert_eq!(world.shell(REMAINS), "");
}

#[test]
fn only_the_beginning_of_what_a_check_prints_is_kept() {
    let Some(world) = World::system() else { return };
    let said = world.run(&checked(&world, "1", "head -c 300000 /dev/zero | tr '\\0' x; exit 1"));
    assert!(
        said.err.contains(": exit status 1; to see what it said, run: "),
        "{}",
        said.err
    );
    let size = world.shell("stat -c %s /run/secrets.d/.check-output/app/t.conf");
    assert_eq!(size, "65536\n");
}

#[test]
fn how_a_check_has_ended_is_said() {
    let Some(world) = World::system() else { return };
    for (script, words) in [
        ("exit 1", "exit status 1"),
        ("kill -TERM $$", "ended by signal 15"),
        ("kill -SEGV $$", "ended by signal 11"),
    ] {
        let said = world.run(&checked(&world, "x", script));
        let line =
            format!("error: template \"app/t.conf\": its check $DIR/bin/check: {words}; correct the template, or its check\n");
        assert!(said.err.starts_with(&line), "{}", said.err);
    }
    world.write("plain", "#!/bin/sh\n");
    let program = "let check be the path of one program, without arguments";
    for (name, words, remedy) in [
        ("absent", "$DIR/absent: no such program", program),
        ("bin/check x", "\"$DIR/bin/check x\": no such program", program),
        (
            "plain",
            "$DIR/plain: cannot be run: permission denied",
            "correct the template, or its check",
        ),
    ] {
        let check = json!({"check": world.input(name)});
        let said = world.run(&world.manifest().with("version", 1).template("t", "1", check));
        let line = format!("error: template \"t\": its check {words}; {remedy}\n");
        assert!(said.err.starts_with(&line), "{}", said.err);
    }
    assert_eq!(world.shell(REMAINS), "");
}

#[test]
fn only_a_text_that_is_not_live_is_checked() {
    let Some(world) = World::system() else { return };
    let (script, count) = counting(&world);
    let manifest = |content| checked(&world, content, &script);
    let path = world.save(&manifest("1"));
    for mode in ["-check-mode=manifest", "-check-mode=sopsfile"] {
        assert_eq!(world.run_arguments([mode.as_ref(), path.as_os_str()]).code, Some(0), "{mode}");
    }
    let dry = world.run_with(&manifest("1"), |command| command.env("NIXOS_ACTION", "dry-activate"));
    assert_eq!((dry.code, count()), (Some(0), 0));
    world.install(&manifest("1"));
    world.install(&manifest("1"));
    assert_eq!(count(), 1);
    world.install(&manifest("2"));
    assert_eq!(count(), 2);
    assert_eq!(world.run(&manifest("3").with("mock", true)).code, Some(0));
    assert_eq!(count(), 2);
    // The early phase.
    let path = world.save(&manifest("4"));
    assert_eq!(
        world.run_arguments(["-ignore-passwd".as_ref(), path.as_os_str()]).code,
        Some(0)
    );
    assert_eq!(count(), 3);
}

#[test]
fn a_run_that_is_to_change_nothing_runs_no_check_and_writes_nothing() {
    let Some(world) = World::system() else { return };
    let (script, count) = counting(&world);
    world.install(&checked(&world, "1", &script));
    assert_eq!(count(), 1);
    let failing = checked(&world, "2", &script).secret("absent", &world.fixture("nesting.json"), "nothing");
    assert_eq!(world.run(&failing).code, Some(1));
    assert_eq!(count(), 1);
    if !has("strace") {
        return;
    }
    // The record has no failure any more.
    world.install(&checked(&world, "1", &script));
    let (said, calls) = world.trace(&checked(&world, "1", &script), &[], &[]);
    assert_eq!((said.code, count()), (Some(0), 1));
    let changes: Vec<_> = calls.iter().filter(|call| call.changes()).collect();
    let paths: Vec<_> = changes.iter().flat_map(|call| call.paths()).collect();
    let is_lock = |path: &String| path.rsplit('/').next() == Some(".lock");
    assert!(paths.iter().all(is_lock), "{changes:?}");
}

/// The kernel kills what takes too much memory.
#[test]
fn at_boot_a_text_whose_check_was_killed_is_installed_and_on_a_live_system_it_is_not() {
    let Some(world) = World::system() else { return };
    let manifest = |content| checked(&world, content, "kill -KILL $$");
    let told = "template \"app/t.conf\": its check $DIR/bin/check: ended by signal 9";
    let first = world.install(&manifest("1"));
    assert_eq!(
        first.err,
        format!("warning: {told}, so the text is installed unchecked; correct the template, or its check\n")
    );
    let second = world.run(&manifest("2"));
    assert!(second.err.starts_with(&format!("error: {told}; ")), "{second:?}");
    assert_eq!(second.code, Some(1));
    assert_eq!(world.read("/run/secrets/rendered/app/t.conf"), "1");
}

#[test]
fn a_run_that_is_told_to_end_ends_its_check_and_leaves_no_text() {
    let Some(world) = World::system() else { return };
    world.install(&bare(&world));
    let run = started(&world, &checked(&world, &token("password"), &hanging(&world)));
    await_check(&world);
    assert!(hangs(&world));
    assert_eq!(world.shell(REMAINS), ".checking.1\n");
    // No other run waits for it.
    world.install(&bare(&world));
    signal(&run, "-TERM");
    let said = world.said(&run.wait_with_output().unwrap());
    let words = "error: template \"app/t.conf\": its check $DIR/bin/check: stopped: this run was told to end\n";
    assert!(said.err.starts_with(words), "{}", said.err);
    assert_eq!(said.code, Some(1));
    assert!(!hangs(&world));
    assert_eq!(world.shell(REMAINS), "");
    assert_eq!(world.shell("ls /run/secrets"), "password\n");
}

/// A check that gives no answer says nothing against the text. At boot, without the text its service would not start.
#[test]
fn at_boot_a_text_whose_check_was_stopped_is_installed() {
    let Some(world) = World::system() else { return };
    let run = started(
        &world,
        &checked(
            &world,
            &token("password"),
            &format!(
                "trap 'exit 1' TERM\n{}",
                hanging(&world).replace("exec sleep 600", "while :; do sleep 0.1; done")
            ),
        ),
    );
    await_check(&world);
    // systemd tells all processes of a unit to end.
    let process = fs::read_to_string(world.input("running")).unwrap();
    signal(&run, "-TERM");
    world.shell(&format!("kill -TERM {} || true", process.trim()));
    let said = world.said(&run.wait_with_output().unwrap());
    assert_eq!(
        said.err,
        "warning: template \"app/t.conf\": its check $DIR/bin/check: stopped: this run was told to end, so the text is installed unchecked\n"
    );
    assert_eq!(world.read("/run/secrets/rendered/app/t.conf"), PASSWORD);
    assert_eq!(world.shell(REMAINS), "");
}

#[test]
fn what_another_run_has_published_during_the_checks_stays() {
    let Some(world) = World::system() else { return };
    world.install(&bare(&world));
    let waiting = hanging(&world).replace(
        "exec sleep 600",
        &format!("until [ -e {} ]; do sleep 0.05; done", world.input("go").display()),
    );
    let run = started(&world, &checked(&world, "x", &waiting));
    await_check(&world);
    world.install(&bare(&world).template("other", "x", json!({})));
    world.write("go", "");
    let said = world.said(&run.wait_with_output().unwrap());
    assert_eq!(
        (said.code, said.err.as_str()),
        (
            Some(1),
            "error: another run published /run/secrets during the checks of templates; nothing was changed by this run; run this again\n"
        )
    );
    assert_eq!(world.shell("ls /run/secrets/rendered"), "other\n");
    assert_eq!(world.shell(REMAINS), "");
}

#[test]
fn the_texts_of_a_killed_run_go_with_the_next_run_and_those_of_a_live_run_stay() {
    let Some(world) = World::system() else { return };
    world.install(&bare(&world));
    let mut run = started(&world, &checked(&world, &token("password"), &hanging(&world)));
    await_check(&world);
    let (script, count) = counting(&world);
    world.install(&checked(&world, "2", &script));
    assert_eq!((world.shell(REMAINS).as_str(), count()), (".checking.1\n", 1), "it is alive");
    signal(&run, "-KILL");
    run.wait().unwrap();
    assert_eq!(world.shell("cat /run/secrets.d/.checking.1/t.conf"), PASSWORD);
    // Also a run that ends with nothing changed.
    let failing = bare(&world).secret("absent", &world.fixture("nesting.json"), "nothing");
    assert_eq!(world.run(&failing).code, Some(1));
    assert_eq!(world.shell(REMAINS), "");
    let process = fs::read_to_string(world.input("running")).unwrap();
    world.shell(&format!("kill -9 {}", process.trim()));
}

#[test]
fn what_a_check_leaves_behind_finds_nothing_in_the_text() {
    let Some(world) = World::system() else { return };
    let (go, left, found) = (world.input("go"), world.input("left"), world.write("found", "unread"));
    let (go, left, found_at) = (go.display(), left.display(), found.display());
    let script = format!(
        "setsid sh -c '> {left}; until [ -e {go} ]; do sleep 0.05; done; cat > {found_at}.new; mv {found_at}.new {found_at}' \
         > /dev/null 2>&1 < \"$1\" &\nuntil [ -e {left} ]; do sleep 0.05; done",
    );
    world.install(&checked(&world, &token("password"), &script));
    world.write("go", "");
    let start = Instant::now();
    while fs::read_to_string(&found).unwrap() == "unread" {
        assert!(start.elapsed() < Duration::from_secs(30));
        sleep(Duration::from_millis(10));
    }
    assert_eq!(fs::read_to_string(&found).unwrap(), "");
}

/// Whoever may open the directory may lock it, and keep this run from publishing.
#[test]
fn where_mounting_is_forbidden_the_directory_is_closed_during_the_checks() {
    let Some(world) = World::system() else { return };
    let seen = world.write("seen", "");
    let path = world.save(&checked(
        &world,
        "1",
        &format!("stat -c %a /run/secrets.d > {}", seen.display()),
    ));
    if !has("strace") {
        return;
    }
    let log = world.input("trace");
    let mut command = world.command("strace");
    command.args(["-f", "-y", "-e", "trace=fchmod,renameat2", "-o"]).arg(&log);
    command.args(["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"]);
    command.arg(world.executable()).arg(path);
    let said = world.finish(&mut command);
    assert_eq!(
        (said.code, fs::read_to_string(&seen).unwrap().as_str()),
        (Some(0), "700\n"),
        "{said:?}"
    );
    assert_eq!(world.shell("stat -c %a /run/secrets.d"), "751\n");
    // Nor is it open for a moment before them: it is opened once, when a generation is about to be live.
    let calls = calls(&log);
    let opens = |call: &Call| call.name == "fchmod" && call.arguments.contains("/run/secrets.d>, 0751");
    assert_eq!(calls.iter().filter(|call| opens(call)).count(), 1, "{calls:#?}");
}

/// Whatever a killed run leaves, the next one clears away.
#[test]
fn a_run_that_is_killed_at_a_step_of_its_checks_leaves_nothing_for_long() {
    if !has("strace") {
        return;
    }
    let world = World::user();
    let manifest = |content| checked(&world, content, "echo seen; grep -q good \"$1\"");
    let (_, calls) = world.trace(&manifest("good"), &[], &[]);
    let steps = ["mkdirat", "flock", "ftruncate", "unlinkat"];
    let count = |name: &str| calls.iter().filter(|call| call.name == name).count();
    assert!(steps.iter().all(|name| count(name) > 0));
    for content in ["good again", "bad"] {
        for (name, number) in steps
            .iter()
            .flat_map(|name| (1..=count(name)).map(move |number| (name, number)))
        {
            assert!(matches!(world.run(&manifest("good")).code, Some(0)));
            assert!(
                matches!(world.run(&manifest("bad")).code, Some(1)),
                "and there is something that it said"
            );
            let path = world.save(&manifest(content));
            let mut command = world.command("strace");
            let injection = format!("inject={name}:signal=KILL:when={number}");
            command
                .args(["-o", "/dev/null", "-e", &injection])
                .arg(world.executable())
                .arg(path);
            world.finish(&mut command);
            world.install(&manifest("good"));
            let left =
                world.shell("ls -A run/secrets.d | grep check || true; cat home/.config/sops-nix/secrets/rendered/app/t.conf");
            assert_eq!(left, "good", "{content} {injection}");
        }
    }
}

/// Its owner can keep a file from being read, by a mode or a lease. That must not stop an installation.
#[test]
fn a_live_text_that_cannot_be_read_is_checked_again() {
    let world = World::user();
    let (script, count) = counting(&world);
    let fields = json!({"mode": "0000", "check": program(&world, "check", &script)});
    let manifest = world.manifest().with("version", 1).template("t", "1", fields);
    world.install(&manifest);
    world.install(&manifest);
    assert_eq!(count(), 2);
}

#[test]
fn a_user_sees_what_the_check_has_said() {
    let world = World::user();
    let manifest = |script: &str| checked(&world, &token("password"), script);
    let said = world.run(&manifest("cat \"$1\"; exit 1"));
    let words = "error: template \"app/t.conf\": its check $DIR/bin/check: exit status 1; to see what it said, run: cat \
                 $DIR/run/secrets.d/.check-output/app/t.conf\n";
    assert!(said.err.starts_with(words), "{}", said.err);
    let printed = world.input("run/secrets.d/.check-output/app/t.conf");
    assert_eq!(
        world.shell(&format!("cat {}; stat -c %a {}", printed.display(), printed.display())),
        format!("{PASSWORD}400\n")
    );
    world.install(&manifest("true"));
    assert_eq!(world.shell("ls -A run/secrets.d"), ".last-run.json\n.lock\n2\n");
}

#[test]
fn a_manifest_of_sops_nix_has_no_checks() {
    let Some(world) = World::system() else { return };
    let check: Value = json!({"check": "/bin/true"});
    let said = world.run(&world.manifest().template("t", "x", check));
    assert_eq!(
        (said.code, said.err.as_str()),
        (
            Some(2),
            "error: the manifest $DIR/manifest.json is not valid:\n  the check of template \"t\" needs a manifest with a version; set version to 1\n"
        )
    );
}
