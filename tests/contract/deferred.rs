//! Secrets that only a key service could give: a run without network leaves them to the run that asks key services, and that run completes
//! the set.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use serde_json::json;

use crate::common::{Manifest, Said, World, has, token};

/// The key of the secrets in their files, and their value.
const KEY: &str = "database/host";
const VALUE: &str = "db.example.org";

/// A host with a key service. A script takes the place of the program that asks it, and knows one data key.
struct Host {
    world: World,
    /// The sops file that only the service opens: its other entry is for a key of somebody else.
    late: PathBuf,
}

impl Host {
    /// `None` where such a host cannot be made.
    fn new() -> Option<Self> {
        let world = if has("age") { World::system()? } else { return None };
        let late = with_kms(&world, "to-other.yaml", "late.yaml");
        let (key, message) = (world.fixture("keys/other-age.txt"), message(&late));
        let message = world.write("message", message);
        let data_key = world.shell(&format!("age -d -i {} {} | base64 -w0", key.display(), message.display()));
        let answer = format!("{{\"id\":0,\"data_key\":\"{data_key}\"}}");
        let host = Self { world, late };
        host.answers(&answer);
        Some(host)
    }

    /// Has the service answer this for the first entry.
    fn answers(&self, answer: &str) {
        let log = self.world.input("asked");
        let text = format!("#!/bin/sh\ncat > /dev/null\necho >> {}\necho '{answer}'\n", log.display());
        let _ = fs::remove_file(self.world.input("bin").join("helper"));
        self.world.script("helper", &text);
    }

    fn refuses(&self) {
        self.answers(r#"{"id":0,"error":{"cause":"denied"}}"#);
    }

    /// How often the service was asked.
    fn asked(&self) -> usize {
        fs::read(self.world.input("asked")).map_or(0, |log| log.len())
    }

    /// A secret that a key at hand opens, and one that the service opens.
    fn manifest(&self) -> Manifest {
        self.of(&self.late)
    }

    /// The same with this file of the late secret.
    fn of(&self, late: &Path) -> Manifest {
        self.base()
            .secret_with("late", late, KEY, json!({"restartUnits": ["app.service"]}))
    }

    fn base(&self) -> Manifest {
        let program = self.world.input("bin").join("helper");
        let base = self.world.manifest().with("version", 1);
        base.with("keyServices", json!({"program": program}))
            .secret("good", &self.world.fixture("text.bin"), "")
    }

    fn run(&self, mode: &str, manifest: &Manifest) -> Said {
        let path = self.world.save(manifest);
        let mode = format!("-key-services={mode}");
        self.world.run_arguments([OsStr::new(&mode), path.as_os_str()])
    }

    /// Runs without network, and expects success. Returns what is said on standard error.
    fn defer(&self, manifest: &Manifest) -> String {
        let before = self.asked();
        let said = self.run("defer", manifest);
        assert_eq!((said.code, self.asked()), (Some(0), before), "{said:?}");
        said.err
    }

    /// Completes the set, and expects success.
    fn complete(&self, manifest: &Manifest) {
        let said = self.run("complete", manifest);
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    }

    /// What is installed.
    fn installed(&self) -> String {
        self.world.shell("cd /run/secrets; find . -type f | sort | tr '\\n' ' '")
    }

    /// The units that a switch is asked to restart.
    fn restarted(&self) -> String {
        self.world
            .shell("cat /run/nixos/activation-restart-list 2> /dev/null || true")
    }
}

/// A copy of a fixture in YAML with an entry of AWS KMS beside its others.
fn with_kms(world: &World, fixture: &str, name: &str) -> PathBuf {
    let entry = "sops:\n    kms:\n        - arn: arn:aws:kms:eu-west-1:111122223333:key/2\n          created_at: \"2024-01-01T00:00:00Z\"\n          enc: AQIC\n          aws_profile: \"\"\n";
    world.damaged(fixture, name, "sops:\n", entry)
}

/// The age message in a sops file of YAML.
fn message(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let lines = text.lines().map(str::trim);
    let mut lines: Vec<_> = lines.skip_while(|line| !line.starts_with("-----BEGIN AGE")).collect();
    let end = lines.iter().position(|line| line.starts_with("-----END AGE")).unwrap();
    lines.truncate(end + 1);
    lines.join("\n") + "\n"
}

#[test]
fn what_only_a_service_opens_comes_with_the_second_run_which_tells_its_units() {
    let Some(host) = Host::new() else { return };
    let manifest = host.manifest().template(
        "t",
        &format!("host={}", token("late")),
        json!({"restartUnits": ["t.service"]}),
    );
    let deferral =
        "deferred until sops-nix-online.service, which asks key services: late (used by app.service), t (used by t.service)\n";
    assert_eq!(host.defer(&manifest), deferral);
    assert_eq!(host.installed(), "./good ");
    // Once more, by hand: nothing changes.
    assert_eq!(host.defer(&manifest), deferral);
    assert_eq!((host.installed(), host.restarted()), ("./good ".to_owned(), String::new()));
    host.complete(&manifest);
    assert_eq!((host.installed().as_str(), host.asked()), ("./good ./late ./rendered/t ", 1));
    assert_eq!(host.world.read("/run/secrets/late"), VALUE);
    assert_eq!(host.world.read("/run/secrets/rendered/t"), format!("host={VALUE}"));
    assert_eq!(host.restarted(), "app.service\nt.service\n");
    assert_eq!(host.world.shell("readlink /run/secrets"), "/run/secrets.d/2\n");
    // Nothing changes from now on, and what is live stays without network.
    let stays = "deferred until sops-nix-online.service, which asks key services: late (used by app.service), t (used by t.service) (their live values stay until then)\n";
    assert_eq!(host.defer(&manifest), stays);
    host.complete(&manifest);
    assert_eq!(host.world.shell("readlink /run/secrets"), "/run/secrets.d/2\n");
    host.world.assert_no_leak();
}

#[test]
fn a_switch_without_network_takes_nothing_away() {
    let Some(host) = Host::new() else { return };
    let template = |content: &str| {
        let manifest = host.manifest().secret("new", &host.late, KEY);
        manifest.template("t", content, json!({"path": "/etc/t", "install": "copy"}))
    };
    host.world.allow("/etc/t");
    host.world.shell("mkdir -p /etc && mount -t tmpfs tmpfs /etc");
    let old = host.manifest().template(
        "t",
        &format!("host={}", token("late")),
        json!({"path": "/etc/t", "install": "copy"}),
    );
    host.defer(&old);
    host.complete(&old);
    // The new template needs a secret that no run could give yet.
    let new = template(&format!("new={}", token("new"))).secret("more", &host.world.fixture("nesting.json"), KEY);
    let said = host.defer(&new);
    assert_eq!(
        said,
        "deferred until sops-nix-online.service, which asks key services: new; late (used by app.service), t (their live values stay until then)\n"
    );
    assert_eq!(host.installed(), "./good ./late ./more ./rendered/t ");
    assert_eq!(host.world.read("/etc/t"), format!("host={VALUE}"));
    host.refuses();
    let said = host.run("complete", &new);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.err.contains("(denied)"), "{said:?}");
    let last = said.err.lines().last().unwrap();
    assert_eq!(
        last,
        "error: published 4 of 5 in /run/secrets, without: new, with the live value of: late (used by app.service), t; repair the faults named above, \
         and run: systemctl restart sops-nix"
    );
    assert_eq!(host.world.read("/etc/t"), format!("host={VALUE}"));
    assert_eq!(host.installed(), "./good ./late ./more ./rendered/t ");
}

#[test]
fn a_copy_on_a_disk_stays_until_its_secret_comes() {
    let Some(host) = Host::new() else { return };
    host.world.allow("/etc/late");
    host.world.shell("mkdir -p /etc && mount -t tmpfs tmpfs /etc");
    let manifest = host
        .base()
        .secret_with("late", &host.late, KEY, json!({"path": "/etc/late", "install": "copy"}));
    host.defer(&manifest);
    host.complete(&manifest);
    // The next boot: what is in memory is gone, and the copy is not.
    host.world.shell("umount /run/secrets.d; rm -rf /run/secrets /run/secrets.d");
    host.defer(&manifest);
    assert_eq!(
        (host.installed().as_str(), host.world.read("/etc/late").as_str()),
        ("./good ", VALUE)
    );
    host.complete(&manifest);
    assert_eq!(host.world.read("/etc/late"), VALUE);
}

#[test]
fn an_old_value_keeps_its_owner_and_its_mode() {
    let Some(host) = Host::new() else { return };
    let secret = |file: &Path, fields| host.base().secret_with("late", file, KEY, fields);
    host.defer(&secret(&host.world.fixture("nesting.yaml"), json!({})));
    let new = secret(&host.late, json!({"mode": "0444", "uid": 1000, "gid": 60}));
    let rights = || host.world.shell("stat -L -c '%a %u %g' /run/secrets/late");
    host.defer(&new);
    assert_eq!(rights(), "400 0 0\n");
    host.complete(&new);
    assert_eq!(rights(), "444 1000 60\n");
}

#[test]
fn no_template_has_new_values_beside_old_ones() {
    let Some(host) = Host::new() else { return };
    let pair = |other: &Path| {
        let manifest = host.manifest().secret("other", other, KEY);
        manifest.template("t", &format!("{} {}", token("late"), token("other")), json!({}))
    };
    let old = pair(&host.world.fixture("nesting.yaml"));
    host.defer(&old);
    host.complete(&old);
    let text = || host.world.read("/run/secrets/rendered/t");
    let (before, new) = (text(), old.template("more", "x", json!({})));
    host.defer(&new);
    assert_eq!(
        (text(), host.world.read("/run/secrets/rendered/more").as_str()),
        (before, "x")
    );
}

#[test]
fn a_secret_that_is_to_be_left_out_goes_when_the_service_refuses() {
    let Some(host) = Host::new() else { return };
    let manifest = host.base().secret_with("late", &host.late, KEY, json!({"onFailure": "skip"}));
    host.defer(&manifest);
    host.complete(&manifest);
    host.refuses();
    host.defer(&manifest);
    assert_eq!(host.installed(), "./good ./late ");
    let said = host.run("complete", &manifest);
    assert_eq!((said.code, host.installed().as_str()), (Some(3), "./good "), "{said:?}");
}

#[test]
fn a_template_goes_with_such_a_secret() {
    let Some(host) = Host::new() else { return };
    let skipped = host.base().secret_with("late", &host.late, KEY, json!({"onFailure": "skip"}));
    let manifest = skipped.template("t", &token("late"), json!({}));
    host.defer(&manifest);
    host.complete(&manifest);
    host.refuses();
    host.defer(&manifest);
    assert_eq!(host.installed(), "./good ./late ./rendered/t ");
    let said = host.run("complete", &manifest);
    assert_eq!((said.code, host.installed().as_str()), (Some(3), "./good "), "{said:?}");
}

#[test]
fn a_value_that_is_to_become_a_hash_stays_until_the_hash_is_there() {
    let Some(host) = Host::new() else { return };
    let secret = |fields| host.base().secret_with("late", &host.late, KEY, fields);
    let plain = secret(json!({}));
    host.defer(&plain);
    host.complete(&plain);
    let hashed = secret(json!({"mode": "0444", "transform": "yescrypt"}));
    let hashed = hashed.template("shadow", &token("late"), json!({}));
    let live = || {
        let rights = host.world.shell("stat -L -c %a /run/secrets/late");
        (host.world.read("/run/secrets/late"), rights)
    };
    // Nobody else gets to read it, and no text has it in the place of a hash.
    let plaintext = (VALUE.to_owned(), "400\n".to_owned());
    host.defer(&hashed);
    assert_eq!((live(), host.installed().as_str()), (plaintext.clone(), "./good ./late "));
    host.world
        .shell(&format!("cp {0} {0}.open", host.world.input("bin/helper").display()));
    host.refuses();
    let said = host.run("complete", &hashed);
    assert_eq!((said.code, live()), (Some(3), plaintext), "{said:?}");
    host.world
        .shell(&format!("cp {0}.open {0}", host.world.input("bin/helper").display()));
    host.complete(&hashed);
    let (hash, rights) = live();
    assert!(hash.starts_with("$y$") && rights == "444\n", "{rights}");
    assert_eq!(host.world.read("/run/secrets/rendered/shadow"), hash);
}

#[test]
fn only_what_a_key_could_still_open_is_worth_another_try() {
    let Some(host) = Host::new() else { return };
    let code = |manifest: &Manifest| host.run("complete", manifest).code;
    let broken = host.base().secret("broken", &host.world.input("absent.yaml"), KEY);
    assert_eq!(host.run("defer", &broken).code, Some(3));
    assert_eq!(code(&broken), Some(4));
    // A key that is to come may open this file.
    let foreign = host.base().secret("foreign", &host.world.fixture("to-other.yaml"), KEY);
    let foreign = foreign.secret("broken", &host.world.input("absent.yaml"), KEY);
    let other = host.world.write("other-manifest.json", foreign.text());
    let said = host
        .world
        .run_arguments([OsStr::new("-key-services=complete"), other.as_os_str()]);
    assert_eq!((said.code, code(&foreign)), (Some(1), Some(3)), "{said:?}");
    host.refuses();
    let refused = host.manifest();
    assert_eq!(code(&refused), Some(3));
    assert_eq!(
        code(&refused.secret("broken", &host.world.input("absent.yaml"), KEY)),
        Some(3)
    );
}

#[test]
fn a_template_is_checked_also_where_something_else_is_broken() {
    let Some(host) = Host::new() else { return };
    host.world.script("check", "#!/bin/sh\nexit 1\n");
    let check = host.world.input("bin").join("check");
    let manifest = host.manifest().secret("broken", &host.world.input("absent.yaml"), KEY);
    let manifest = manifest.template("conf", &token("late"), json!({"check": check}));
    assert_eq!(host.run("defer", &manifest).code, Some(3));
    let said = host.run("complete", &manifest);
    assert_eq!(
        (said.code, host.installed().as_str()),
        (Some(4), "./good ./late "),
        "{said:?}"
    );
    assert!(said.err.contains("template \"conf\": its check"), "{said:?}");
}

#[test]
fn a_copy_goes_with_its_secret_also_while_another_one_is_awaited() {
    let Some(host) = Host::new() else { return };
    host.world.allow("/etc/copy");
    host.world.shell("mkdir -p /etc && mount -t tmpfs tmpfs /etc");
    let manifest = |key: &str| {
        let fields = json!({"path": "/etc/copy", "install": "copy", "optional": true});
        host.manifest()
            .secret_with("optional", &host.world.fixture("nesting.yaml"), key, fields)
    };
    host.defer(&manifest(KEY));
    assert_eq!(host.world.read("/etc/copy"), VALUE);
    host.defer(&manifest("database/gone"));
    assert_eq!(host.world.shell("ls /etc"), "");
}

#[test]
fn only_what_a_service_could_open_is_deferred() {
    let Some(host) = Host::new() else { return };
    let fails = |manifest: &Manifest, words: &str| {
        let said = host.run("defer", manifest);
        assert_eq!((said.code, host.asked()), (Some(3), 0), "{said:?}");
        assert!(said.err.contains(words), "{said:?}");
        host.world.shell("umount /run/secrets.d; rm -rf /run/secrets /run/secrets.d");
    };
    fails(
        &host.of(&host.world.fixture("to-other.yaml")),
        "cannot decrypt $DIR/to-other.yaml",
    );
    let text = fs::read_to_string(&host.late).unwrap();
    fails(&host.of(&host.world.write("cut.yaml", &text[..text.len() / 2])), "cut.yaml");
    fails(&host.of(&host.world.input("absent.yaml")), "no such file");
    // Without key services in the manifest, nobody will ask.
    fails(&host.manifest().without("keyServices"), "(not asked)\n");
    // A key at hand opens the file, and nothing is deferred.
    let both = host.of(&with_kms(&host.world, "nesting.yaml", "both.yaml"));
    assert_eq!(host.defer(&both), "");
    assert_eq!((host.installed().as_str(), host.asked()), ("./good ./late ", 0));
}

#[test]
fn before_the_network_an_early_phase_says_what_cannot_work() {
    let Some(host) = Host::new() else { return };
    let path = host.world.save(&host.manifest());
    let said = host.world.run_arguments([
        OsStr::new("-ignore-passwd"),
        OsStr::new("-key-services=defer"),
        path.as_os_str(),
    ]);
    assert_eq!((said.code, host.asked()), (Some(3), 0), "{said:?}");
    assert!(said.err.contains("(not asked before the network is there)\n"), "{said:?}");
}

#[test]
fn one_broken_file_keeps_no_other_from_coming() {
    let Some(host) = Host::new() else { return };
    let broken = host.manifest().secret("broken", &host.world.input("absent.yaml"), KEY);
    let said = host.run("defer", &broken);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(
        said.err
            .contains("deferred until sops-nix-online.service, which asks key services: late"),
        "{said:?}"
    );
    let said = host.run("complete", &broken);
    assert_eq!(
        (said.code, host.installed().as_str()),
        (Some(4), "./good ./late "),
        "{said:?}"
    );
    // Over the secrets of another manifest, a failure changes nothing, as ever.
    let other = broken.secret("more", &host.world.fixture("nesting.json"), KEY);
    let other = host.world.write("other-manifest.json", other.text());
    for (mode, code) in [("defer", 1), ("complete", 4)] {
        let mode = format!("-key-services={mode}");
        let said = host.world.run_arguments([OsStr::new(&mode), other.as_os_str()]);
        assert_eq!(
            (said.code, host.installed().as_str()),
            (Some(code), "./good ./late "),
            "{said:?}"
        );
    }
}

#[test]
fn a_key_that_is_gone_since_the_boot_keeps_no_other_secret_from_coming() {
    let Some(host) = Host::new() else { return };
    let manifest = host.manifest();
    host.defer(&manifest);
    fs::remove_file(host.world.input("age.txt")).unwrap();
    let said = host.run("complete", &manifest);
    assert_eq!(
        (said.code, host.installed().as_str()),
        (Some(0), "./good ./late "),
        "{said:?}"
    );
    // What was never there fails.
    let more = manifest.secret("more", &host.world.fixture("nesting.yaml"), KEY);
    let said = host.run("complete", &more);
    assert_eq!(
        (said.code, host.installed().as_str()),
        (Some(3), "./good ./late "),
        "{said:?}"
    );
    assert!(said.err.contains("without: more;"), "{said:?}");
}

#[test]
fn a_switch_after_which_nothing_is_new_yet_is_completed_all_the_same() {
    let Some(host) = Host::new() else { return };
    let old = host.manifest();
    host.defer(&old);
    host.complete(&old);
    let run = |mode: &str, path: &Path| host.world.run_arguments([OsStr::new(mode), path.as_os_str()]);
    // Each configuration has a manifest of its own. The regular unit alone has the age key.
    let more = host.manifest().secret("new", &host.late, KEY);
    let key = host.world.input("age.txt");
    for (name, manifest) in [("same.json", &old), ("more.json", &more)] {
        let path = host.world.write(name, manifest.text());
        assert_eq!(run("-key-services=defer", &path).code, Some(0));
        fs::rename(&key, host.world.input("elsewhere")).unwrap();
        let said = run("-key-services=complete", &path);
        assert_eq!(said.code, Some(0), "{name}: {said:?}");
        fs::rename(host.world.input("elsewhere"), &key).unwrap();
    }
    assert_eq!(host.installed(), "./good ./late ./new ");
}

#[test]
fn what_somebody_has_gone_back_to_is_left_alone() {
    let Some(host) = Host::new() else { return };
    let manifest = host.manifest().with("keepGenerations", 2);
    host.defer(&manifest);
    host.complete(&manifest);
    let record = "/run/secrets.d/.last-run.json";
    host.world.shell("ln -sfn /run/secrets.d/1 /run/secrets");
    let mut told: serde_json::Value = serde_json::from_str(&host.world.read(record)).unwrap();
    told["publication"] = json!(null);
    told["rollback"] = json!({"generation": 1, "from": 2});
    fs::write(host.world.path(record), told.to_string()).unwrap();
    let said = host.run("complete", &manifest);
    assert_eq!((said.code, host.installed().as_str()), (Some(0), "./good "), "{said:?}");
    assert!(said.err.contains("a rollback has made generation 1 live"), "{said:?}");
    // Whoever restarts the unit before it wants what the configuration says.
    host.defer(&manifest);
    host.complete(&manifest);
    assert_eq!(host.installed(), "./good ./late ");
}

#[test]
fn without_a_flag_key_services_are_asked_and_failures_are_those_of_any_file() {
    let Some(host) = Host::new() else { return };
    host.world.install(&host.manifest());
    assert_eq!((host.installed().as_str(), host.asked()), ("./good ./late ", 1));
    host.refuses();
    let said = host
        .world
        .run(&host.manifest().secret("more", &host.world.fixture("nesting.json"), KEY));
    assert_eq!(
        (said.code, host.installed().as_str()),
        (Some(1), "./good ./late "),
        "{said:?}"
    );
}

#[test]
fn nothing_is_started_and_no_socket_made_for_what_is_deferred() {
    let Some(host) = Host::new().filter(|_| has("strace")) else {
        return;
    };
    let (path, log) = (host.world.save(&host.manifest()), host.world.input("trace"));
    let mut strace = host.world.command("strace");
    strace.args(["-f", "-e", "trace=execve,socket,connect", "-o"]).arg(&log);
    strace.arg(host.world.executable()).arg("-key-services=defer").arg(path);
    let said = host.world.finish(&mut strace);
    assert_eq!(said.code, Some(0), "{said:?}");
    let text = fs::read_to_string(&log).unwrap();
    fs::remove_file(log).unwrap();
    assert_eq!(
        (text.matches("execve(").count(), text.matches("AF_INET").count()),
        (1, 0),
        "{text}"
    );
}

#[test]
fn the_metrics_tell_what_is_deferred() {
    let Some(host) = Host::new() else { return };
    let file = "/run/metrics/sops-nix.prom";
    let manifest = host.manifest().with("metricsFile", file);
    let metrics = || {
        let text = host
            .world
            .shell(&format!("grep -E '_(deferred_entries|last_run_success)[{{]' {file}"));
        text.replace("{phase=\"system\"}", "")
    };
    host.defer(&manifest);
    assert_eq!(metrics(), "sops_nix_deferred_entries 1\nsops_nix_last_run_success 0\n");
    host.complete(&manifest);
    assert_eq!(metrics(), "sops_nix_deferred_entries 0\nsops_nix_last_run_success 1\n");
}
