//! Tests a file that takes too long, and a run that is told to end meanwhile. The file is read as from a disk that does not answer:
//! strace delays the call that reads the file.

use std::{
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use serde_json::json;
use sops_install_secrets::system::budget;

use crate::{
    common::{Manifest, Said, World, has, token},
    side_by_side::on_one_processor,
};

/// A world with files that are never read to their end. `None` if strace is missing, or if there can be no world.
fn world() -> Option<World> {
    has("strace").then(World::system).flatten()
}

/// A file of the world with this many bytes.
fn slow(world: &World, number: usize, size: usize) -> PathBuf {
    world.write(&format!("slow-{number}.bin"), " ".repeat(size))
}

/// A manifest with a healthy secret, and with one secret from each of these files.
fn manifest(world: &World, slow: &[PathBuf]) -> Manifest {
    let manifest = world
        .manifest()
        .secret("healthy", &world.fixture("nesting.json"), "database/host");
    slow.iter().enumerate().fold(manifest, |manifest, (number, file)| {
        manifest.secret(&format!("slow-{number}"), file, "")
    })
}

/// Runs the program, by the command `before` if it is not empty. Each read of one of these files is delayed by so many seconds.
/// strace itself ends only after this time.
fn run(world: &World, manifest: &Manifest, slow: &[PathBuf], seconds: u32, before: &[&str]) -> Said {
    run_with_late("read", world, manifest, slow, seconds, before)
}

/// Does what [`run`] does, but delays another system call than `read`.
fn run_with_late(call: &str, world: &World, manifest: &Manifest, slow: &[PathBuf], seconds: u32, before: &[&str]) -> Said {
    let mut command = world.command("strace");
    let delay = format!("inject={call}:delay_enter={seconds}s");
    command.args(["-f", "-qq", "-o", "/dev/null", "-e", &delay]);
    for file in slow {
        command.args([Path::new("-P"), file]);
    }
    command.args(before).arg(world.executable()).arg(world.save(manifest));
    let mut said = world.finish(&mut command);
    for text in [&mut said.err, &mut said.told] {
        *text = text
            .split_inclusive('\n')
            .filter(|line| !line.starts_with("strace: "))
            .collect();
    }
    said
}

#[test]
fn a_file_that_takes_too_long_fails_and_those_behind_it_are_published() {
    let Some(world) = world() else { return };
    let slow = [slow(&world, 0, 2)];
    let said = run(&world, &manifest(&world, &slow), &slow, 40, &[]);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert_eq!(
        said.told,
        "waiting for the sops file $DIR/slow-0.bin\n\
         error: cannot decrypt $DIR/slow-0.bin (needed by secret slow-0): its decryption takes longer than 30 s; look at what was changed in the file, or \
         restore it from version control\n\
         error: published 1 of 2 in /run/secrets, without: slow-0; repair the faults named above, and run: /run/current-system/activate\n"
    );
    assert_eq!(world.read("/run/secrets/healthy"), "db.example.org");
}

/// Nine small files of one size, and a manifest with a secret from each of them. On one processor, the fourth to the sixth are handed over
/// together.
fn nine(world: &World) -> (Vec<PathBuf>, Manifest) {
    let text = std::fs::read(world.fixture("nesting.json")).unwrap();
    let files: Vec<_> = (0..9).map(|number| world.write(&format!("{number}.json"), &text)).collect();
    let manifest = files.iter().enumerate().fold(world.manifest(), |manifest, (number, file)| {
        manifest.secret(&format!("secret-{number}"), file, "database/host")
    });
    (files, manifest)
}

#[test]
fn a_slow_file_among_others_is_waited_for_and_named_alone() {
    let Some(world) = world() else { return };
    let (files, manifest) = nine(&world);
    let said = on_one_processor(|| run(&world, &manifest, &files[4..5], 3, &[]));
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.told, "waiting for the sops file $DIR/4.json\n");
    for number in 0..9 {
        assert_eq!(world.read(&format!("/run/secrets/secret-{number}")), "db.example.org");
    }
}

#[test]
fn what_was_decrypted_before_a_slow_file_is_published_when_a_run_is_told_to_end() {
    let Some(world) = world() else { return };
    let (files, manifest) = nine(&world);
    let said = on_one_processor(|| run(&world, &manifest, &files[4..5], 8, &["timeout", "-s", "TERM", "4"]));
    assert_eq!(said.code, Some(124), "{said:?}");
    let last = "published 4 of 9 in /run/secrets, without: secret-4, secret-5, secret-6, secret-7, secret-8; repair the faults named above, and \
        run: /run/current-system/activate\n";
    assert!(said.err.ends_with(last), "{said:?}");
}

#[test]
fn all_files_together_have_one_time_and_what_is_open_by_then_is_published() {
    let Some(world) = world() else { return };
    let small = world.write("small.bin", std::fs::read(world.fixture("text.bin")).unwrap());
    let slow: Vec<_> = (0..4).map(|number| slow(&world, number, 10_000 + number)).collect();
    let manifest = slow
        .iter()
        .enumerate()
        .fold(world.manifest().secret("healthy", &small, ""), |manifest, (number, file)| {
            manifest.secret(&format!("slow-{number}"), file, "")
        });
    // With several processors, several threads would read these files at the same time.
    let said = on_one_processor(|| run(&world, &manifest, &slow, 40, &[]));
    assert_eq!(said.code, Some(3), "{said:?}");
    let last = "error: cannot decrypt $DIR/slow-3.bin (needed by secret slow-3): no time is left for it: all files together have 90 s, \
        and the files before it used most of that time; repair those files first\n\
        error: published 1 of 5 in /run/secrets, without: slow-0, slow-1, slow-2, slow-3; repair the faults named above, and run: \
        /run/current-system/activate\n";
    assert!(said.err.ends_with(last), "{said:?}");
}

#[test]
fn at_boot_what_is_ready_when_a_run_is_told_to_end_is_published() {
    let Some(world) = world() else { return };
    let slow = [slow(&world, 0, 10_000)];
    let said = run(&world, &manifest(&world, &slow), &slow, 10, &["timeout", "-s", "TERM", "5"]);
    // This is the exit code of `timeout` for a run that it had to end.
    assert_eq!(said.code, Some(124), "{said:?}");
    assert_eq!(
        said.told,
        "waiting for the sops file $DIR/slow-0.bin\n\
         error: cannot decrypt $DIR/slow-0.bin (needed by secret slow-0): stopped: this run was told to end; run this again\n\
         error: published 1 of 2 in /run/secrets, without: slow-0; repair the faults named above, and run: /run/current-system/activate\n"
    );
    assert_eq!(world.read("/run/secrets/healthy"), "db.example.org");
}

#[test]
fn a_file_on_a_disk_that_does_not_even_tell_its_size_keeps_no_other_waiting() {
    let Some(world) = world() else { return };
    let slow: Vec<_> = (0..3).map(|number| slow(&world, number, number)).collect();
    let manifest = slow.iter().enumerate().fold(world.manifest(), |manifest, (number, file)| {
        manifest.secret(&format!("slow-{number}"), file, "")
    });
    let manifest = manifest.secret("healthy", &world.fixture("nesting.json"), "database/host");
    let said = run_with_late("statx", &world, &manifest, &slow, 20, &["timeout", "-s", "TERM", "10"]);
    assert_eq!(said.code, Some(124), "{said:?}");
    let last = "error: published 1 of 4 in /run/secrets, without: slow-0, slow-1, slow-2; repair the faults named above, and run: \
        /run/current-system/activate\n";
    assert!(said.err.ends_with(last), "{said:?}");
    assert_eq!(world.read("/run/secrets/healthy"), "db.example.org");
}

#[test]
fn what_is_live_stays_when_a_run_is_told_to_end() {
    let Some(world) = world() else { return };
    world.install(&world.manifest().secret("healthy", &world.fixture("nesting.json"), "a/b/c/d"));
    let slow = [slow(&world, 0, 10_000)];
    let said = run(
        &world,
        &manifest(&world, &slow),
        &slow,
        10,
        &["timeout", "-s", "INT", "--preserve-status", "5"],
    );
    assert_eq!(said.code, Some(1), "{said:?}");
    let last = "error: nothing was changed, because these failed: slow-0; /run/secrets is unchanged\n";
    assert!(said.err.ends_with(last), "{said:?}");
    assert_eq!(world.read("/run/secrets/healthy"), "deep");
}

#[test]
fn a_run_that_is_told_to_end_while_the_link_never_stays_the_same_ends() {
    let Some(world) = world() else { return };
    let manifest = manifest(&world, &[]);
    world.install(&manifest);
    let (link, new) = (world.path("/run/secrets"), world.path("/run/secrets.new"));
    let is_done = AtomicBool::new(false);
    let said = thread::scope(|scope| {
        scope.spawn(|| {
            for number in 2_u64.. {
                if is_done.load(Ordering::Relaxed) {
                    break;
                }
                symlink(format!("/run/secrets.d/{number}"), &new).unwrap();
                std::fs::rename(&new, &link).unwrap();
                thread::sleep(Duration::from_millis(10));
            }
        });
        // Each look at the link is delayed by a second, and the link changes meanwhile.
        let ends = ["timeout", "-s", "TERM", "-k", "10", "--preserve-status", "4"];
        let said = run_with_late("readlinkat", &world, &manifest, &["/run/secrets".into()], 1, &ends);
        is_done.store(true, Ordering::Relaxed);
        said
    });
    assert_eq!(said.code, Some(1), "{said:?}");
    let last = "this run was told to end before it changed anything; /run/secrets is unchanged";
    assert!(said.err.contains(last), "{said:?}");
}

#[test]
fn at_boot_templates_of_what_is_ready_are_published_too_when_a_run_is_told_to_end() {
    let Some(world) = world() else { return };
    let text = world.write("template", format!("host={}", token("healthy")));
    let slow = [slow(&world, 0, 10_000)];
    let manifest = manifest(&world, &slow).template("t", "", json!({ "file": text }));
    let said = run(&world, &manifest, &slow, 10, &["timeout", "-s", "TERM", "5"]);
    assert_eq!(said.code, Some(124), "{said:?}");
    let last = "error: published 2 of 3 in /run/secrets, without: slow-0; repair the faults named above, and run: /run/current-system/activate\n";
    assert!(said.err.ends_with(last), "{said:?}");
    assert_eq!(world.read("/run/secrets/rendered/t"), "host=db.example.org");
}

#[test]
fn a_gnupg_home_on_a_disk_that_does_not_answer_holds_nothing_up() {
    let Some(world) = world() else { return };
    let home = world.input("slow-home");
    std::fs::create_dir(&home).unwrap();
    let manifest = manifest(&world, &[]);
    let key = format!(
        "SOPS_AGE_KEY_FILE={}",
        manifest.field("ageKeyFile").unwrap().as_str().unwrap()
    );
    let manifest = manifest.without("ageKeyFile").with("gnupgHome", json!(home));
    let said = run_with_late("statx", &world, &manifest, &[home], 20, &["env", &key]);
    assert_eq!((said.code, said.out.as_str()), (Some(0), ""));
    assert_eq!(
        said.told,
        "waiting for the file $DIR/slow-home\n\
         warning: cannot use $DIR/slow-home: its disk or network does not answer; move it to a local disk\n"
    );
    assert_eq!(world.read("/run/secrets/healthy"), "db.example.org");
}

/// The value of a name in a Nix file.
fn bound(text: &str, name: &str) -> u64 {
    let mut lines = text
        .lines()
        .filter_map(|line| line.trim().strip_suffix(';')?.split_once(" = "));
    let (_, value) = lines.find(|(other, _)| *other == name).unwrap();
    value.parse().unwrap()
}

#[test]
fn a_key_or_template_on_a_disk_that_does_not_answer_holds_nothing_up_but_itself() {
    let Some(world) = world() else { return };
    let key = world.write("slow-key", "a key");
    let text = world.write("slow-template", "a template");
    let manifest = manifest(&world, &[])
        .with("ageSshKeyPaths", json!([key]))
        .template("t", "", json!({ "file": text }))
        .template("with-content", "its content", json!({ "file": text }));
    let said = run(&world, &manifest, &[key, text], 20, &[]);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert_eq!(
        said.told,
        "waiting for the file $DIR/slow-key\n\
         warning: cannot use $DIR/slow-key: its disk or network does not answer; move it to a local disk\n\
         waiting for the file $DIR/slow-template\n\
         warning: template \"with-content\": cannot read its file $DIR/slow-template: its disk or network does not answer, so the field \"content\" is \
         used instead; move it to a local disk\n\
         error: template \"t\": cannot read its file $DIR/slow-template: its disk or network does not answer; move it to a local disk\n\
         error: published 2 of 3 in /run/secrets, without: t; repair the faults named above, and run: /run/current-system/activate\n"
    );
    assert_eq!(world.read("/run/secrets/healthy"), "db.example.org");
}

#[test]
fn the_units_give_more_time_than_all_parts_of_a_run_have() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("nixos-module/deadline.nix");
    let text = std::fs::read_to_string(file).unwrap();
    for (name, seconds) in [
        ("files", budget::FILES.as_secs()),
        ("programs", u64::from(budget::PROGRAMS)),
        ("keyFiles", budget::KEY_FILES.as_secs()),
        ("templateFiles", budget::TEMPLATE_FILES.as_secs()),
        ("lock", budget::LOCK.as_secs()),
        ("requests", budget::REQUESTS.as_secs()),
        ("checks", budget::CHECKS.as_secs()),
    ] {
        assert_eq!(bound(&text, name), seconds, "{name}");
    }
    assert!(bound(&text, "rest") >= 30);
    let sum = "files\n+ programs * keyTimeout\n+ keyFiles\n+ templateFiles\n+ lock\n+ requests\n+ rest";
    assert!(text.ends_with(&format!("in\n{sum}\n+ (if hasChecks then checks + lock else 0)\n")));
    let key_timeout = Duration::from_secs(30);
    let inputs = budget::KEY_FILES + budget::TEMPLATE_FILES;
    let parts = budget::FILES + key_timeout * budget::PROGRAMS + inputs + budget::LOCK + budget::REQUESTS;
    assert_eq!(budget::run(key_timeout), parts);
    assert!(budget::FILE < budget::FILES);
}

#[test]
fn the_documents_name_the_budgets_as_they_are() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reliability.md");
    let text = std::fs::read_to_string(file).unwrap();
    let key_timeout = Duration::from_secs(30);
    let whole = budget::run(key_timeout).as_secs();
    for line in [
        format!("explaining why not | {} s |", budget::FILE.as_secs()),
        format!(
            "| finding out the size of one sops file (files are read in the order of their sizes) | {} ms |",
            budget::SIZE.as_millis()
        ),
        format!("| all sops files together | {} s |", budget::FILES.as_secs()),
        format!("| all key files | {} s |", budget::KEY_FILES.as_secs()),
        format!("| all files of templates | {} s |", budget::TEMPLATE_FILES.as_secs()),
        format!("files are read within {} s more", budget::GRACE.as_secs()),
        format!("| waiting for another run | {} s |", budget::LOCK.as_secs()),
        format!("| systemd, for all requests | {} s |", budget::REQUESTS.as_secs()),
        format!(
            "| the check of one template, and of all templates | {} s, {} s |",
            budget::CHECK.as_secs(),
            budget::CHECKS.as_secs()
        ),
        format!(
            "{} s and twice `keyTimeout`: {whole} s unless it is set",
            whole - 2 * key_timeout.as_secs()
        ),
    ] {
        assert!(text.contains(&line), "{line}");
    }
}

#[test]
fn a_sops_file_and_all_that_is_published_are_bounded_and_the_rest_is_published() {
    let Some(world) = World::system() else { return };
    let large = world.write("large.yaml", " ".repeat((1 << 20) + 1));
    let whole = world.fixture("strings.yaml");
    let manifest = world
        .manifest()
        .with("version", 1)
        .with("maxSize", 1)
        .secret("healthy", &world.fixture("nesting.json"), "database/host")
        .secret("large", &large, "")
        .template("t", &"x".repeat((1 << 20) + 1), json!({}));
    let manifest = (0..400).fold(manifest, |manifest, number| {
        manifest.secret(&format!("{number:03}"), &whole, "")
    });
    let said = world.run(&manifest);
    assert_eq!(said.code, Some(3), "{said:?}");
    let names = "000, 001, 002, 003, 004, 005, 006, 007, 008, 009 and 390 more";
    let lines: Vec<_> = said.err.lines().take(3).collect();
    assert_eq!(
        lines,
        [
            "error: cannot read $DIR/large.yaml (needed by secret large): it is larger than 1 MiB; raise sops.maxSize",
            &format!(
                "error: cannot decrypt $DIR/strings.yaml (needed by secrets {names}): this would be more than 1 MiB of secrets in all; raise sops.maxSize"
            ),
            "error: template \"t\": this would be more than 1 MiB of templates in all; raise sops.maxSize",
        ]
    );
    assert_eq!(world.shell("cd /run/secrets; find . -type f"), "./healthy\n");
}

#[test]
fn a_long_secret_takes_no_room_from_templates_and_a_long_template_none_from_shorter_ones() {
    let Some(world) = World::system() else { return };
    let whole = world.fixture("strings.yaml");
    // As many secrets as there is room for. One more would be too many.
    let size = world
        .install(&world.manifest().secret("s", &whole, ""))
        .code
        .map(|_| world.read("/run/secrets/s").len());
    let count = (1 << 20) / size.unwrap();
    let manifest = world
        .manifest()
        .with("version", 1)
        .with("maxSize", 1)
        .template("a-long", &token("000").repeat(count + 1), json!({}))
        .template("b-shorter", &token("000").repeat(count - 1), json!({}))
        .template("c-short", "x", json!({}));
    let manifest = (0..count).fold(manifest, |manifest, number| {
        manifest.secret(&format!("{number:03}"), &whole, "")
    });
    world.shell("rm /run/secrets");
    let said = world.run(&manifest);
    let first = said.err.lines().next();
    assert_eq!(
        first,
        Some("error: template \"a-long\": this would be more than 1 MiB of templates in all; raise sops.maxSize"),
        "{said:?}"
    );
    assert_eq!(world.read("/run/secrets/rendered/c-short"), "x");
    assert_eq!(
        world.read("/run/secrets/rendered/b-shorter").len(),
        size.unwrap() * (count - 1)
    );
}

#[test]
fn what_is_too_large_for_the_module_of_sops_nix_is_told_without_an_option_that_it_has_not() {
    let Some(world) = World::system() else { return };
    let large = world.write("large.yaml", " ".repeat((256 << 20) + 1));
    let said = world.run(&world.manifest().secret("large", &large, ""));
    let first = said.err.lines().next();
    assert_eq!(
        first,
        Some(
            "error: cannot read $DIR/large.yaml (needed by secret large): it is larger than 256 MiB; make it smaller, or import the Nix module \
             of sops-install-secrets and raise its option sops.maxSize"
        )
    );
}
