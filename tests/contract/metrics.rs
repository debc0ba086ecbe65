//! The metrics that a run leaves for the node exporter of Prometheus.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    process::{Command, Stdio},
};

use serde_json::json;

use crate::common::{Manifest, World, say};

const FILE: &str = "/run/metrics/sops-nix.prom";
const KEY: &str = "database/host";

fn manifest(world: &World) -> Manifest {
    world
        .manifest()
        .with("version", 1)
        .with("metricsFile", FILE)
        .secret("host", &world.fixture("nesting.json"), KEY)
}

/// The metrics in the file, without the lines of comments. Times since 2024 are TIME.
fn metrics(world: &World) -> String {
    let text = fs::read_to_string(world.path(FILE)).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let shown = lines.map(|line| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        let is_time = value.parse::<u64>().unwrap() > 1_700_000_000;
        format!("{name} {}\n", if is_time { "TIME" } else { value })
    });
    shown.collect::<String>().replace(world.input("").to_str().unwrap(), "$DIR/")
}

#[test]
fn a_run_tells_what_is_live_and_what_the_sops_files_say() {
    let Some(world) = World::system() else { return };
    world.install(&manifest(&world));
    let expected = "sops_nix_generation{phase=\"system\"} 1\n\
        sops_nix_entries{phase=\"system\"} 1\n\
        sops_nix_failed_entries{phase=\"system\"} 0\n\
        sops_nix_mock{phase=\"system\"} 0\n\
        sops_nix_last_run_success{phase=\"system\"} 1\n\
        sops_nix_last_run_timestamp_seconds{phase=\"system\"} TIME\n\
        sops_nix_file_last_modified_timestamp_seconds{phase=\"system\",file=\"$DIR/nesting.json\"} TIME\n\
        sops_nix_file_recipients{phase=\"system\",file=\"$DIR/nesting.json\"} 1\n\
        sops_nix_last_success_timestamp_seconds{phase=\"system\"} TIME\n";
    assert_eq!(metrics(&world), expected);
    assert_eq!(
        world.shell("stat -c '%a %U' /run/metrics /run/metrics/*; ls -A /run/metrics"),
        "755 root\n644 root\nsops-nix.prom\n"
    );
    let text = fs::read_to_string(world.path(FILE)).unwrap();
    let sops = fs::read_to_string(world.input("nesting.json")).unwrap();
    let sops: serde_json::Value = serde_json::from_str(&sops).unwrap();
    let changed = seconds(sops["sops"]["lastmodified"].as_str().unwrap());
    assert!(text.contains(&format!("nesting.json\"}} {changed}\n")), "{text}");
}

/// The seconds since 1970 of a time, as `date` has it.
fn seconds(time: &str) -> String {
    let output = Command::new("date").args(["-u", "+%s", "-d", time]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_run_that_fails_says_so_and_keeps_the_time_of_the_last_success() {
    let Some(world) = World::system() else { return };
    world.install(&manifest(&world));
    let file = world.path(FILE);
    let text = fs::read_to_string(&file).unwrap();
    let success = "sops_nix_last_success_timestamp_seconds{phase=\"system\"} ";
    let (before, _) = text.split_once(success).unwrap();
    fs::write(&file, format!("{before}{success}1234\n")).unwrap();
    let said = world.run(&manifest(&world).secret("bad", &world.fixture("nesting.json"), "no/such/key"));
    assert_eq!(said.code, Some(1));
    let told = metrics(&world);
    for line in [
        "sops_nix_generation{phase=\"system\"} 1\n",
        "sops_nix_entries{phase=\"system\"} 2\n",
        "sops_nix_failed_entries{phase=\"system\"} 1\n",
        "sops_nix_last_run_success{phase=\"system\"} 0\n",
        "sops_nix_last_success_timestamp_seconds{phase=\"system\"} 1234\n",
    ] {
        assert!(told.contains(line), "{told}");
    }
}

#[test]
fn a_first_run_that_fails_has_neither_a_generation_nor_a_success() {
    let Some(world) = World::system() else { return };
    let manifest = world.manifest().with("version", 1).with("metricsFile", FILE);
    world.run(&manifest.secret("bad", &world.fixture("nesting.json"), "no/such/key"));
    let told = metrics(&world);
    assert!(!told.contains("generation") && !told.contains("last_success"), "{told}");
    assert!(told.contains("sops_nix_last_run_success{phase=\"system\"} 0\n"), "{told}");
}

#[test]
fn metrics_that_cannot_be_written_fail_no_run() {
    let Some(world) = World::system() else { return };
    world.shell("echo x > /run/file; mkdir -p /run/taken/sops-nix.prom/x");
    for (path, cause) in [
        ("/run/file/sops-nix.prom", "not a directory"),
        ("/run/no/such/sops-nix.prom", "no such file or directory"),
        ("/run/taken/sops-nix.prom", "is a directory"),
    ] {
        let said = world.install(&manifest(&world).with("metricsFile", path));
        assert_eq!(
            said.err,
            format!(
                "warning: cannot write the metrics to {path}: {cause}; correct sops.metrics.directory; the secrets are not concerned\n"
            )
        );
    }
    assert_eq!(world.shell("ls -A /run/taken"), "sops-nix.prom\n");
}

/// Whoever may write to the directory of the metrics leads no write of root's to another place, and a killed run leaves nothing that
/// harms.
#[test]
fn what_others_put_into_the_directory_is_replaced_and_not_followed() {
    let Some(world) = World::system() else { return };
    world.shell(
        "mkdir -p /run/metrics; echo untouched > /run/other; ln -s /run/other /run/metrics/sops-nix.prom; ln -s /run/other /run/metrics/sops-nix.prom.sops-new",
    );
    assert_eq!(world.install(&manifest(&world)).err, "");
    assert_eq!(
        world.shell("cat /run/other; ls -A /run/metrics"),
        "untouched\nsops-nix.prom\n"
    );
    assert!(metrics(&world).contains("sops_nix_generation{phase=\"system\"} 1\n"));
    // A fifo holds up nothing.
    world.shell("cd /run/metrics; rm sops-nix.prom; mkfifo sops-nix.prom");
    world.run(&manifest(&world).secret("bad", &world.fixture("nesting.json"), "no/such/key"));
    assert!(metrics(&world).contains("sops_nix_last_run_success{phase=\"system\"} 0\n"));
}

/// The directory is made with rights for everybody to read, whatever the umask is.
#[test]
fn a_umask_takes_no_rights_from_the_metrics() {
    let Some(world) = World::system() else { return };
    let path = world.write("manifest.json", manifest(&world).text());
    let program = env!("CARGO_BIN_EXE_sops-install-secrets");
    world.shell(&format!(
        "umask 0077; '{program}' '{}'; umount -l /run/secrets.d",
        path.display()
    ));
    assert_eq!(
        world.shell("stat -c '%a' /run/metrics /run/metrics/sops-nix.prom"),
        "755\n644\n"
    );
}

/// A run waits for another that has the directory, and gives up after a while.
#[test]
fn a_directory_that_another_run_holds_is_waited_for_and_given_up() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir /run/metrics");
    let directory = fs::File::open(world.path("/run/metrics")).unwrap();
    directory.lock().unwrap();
    let said = world.install(&manifest(&world));
    assert_eq!(
        said.err,
        format!(
            "warning: cannot write the metrics to {FILE}: its disk does not answer, or another run writes them; correct sops.metrics.directory; the secrets are not concerned\n"
        )
    );
    directory.unlock().unwrap();
    assert_eq!(world.install(&manifest(&world)).err, "");
    assert_eq!(world.shell("ls -A /run/metrics"), "sops-nix.prom\n");
}

#[test]
fn a_dry_run_writes_no_metrics() {
    let Some(world) = World::system() else { return };
    world.run_with(&manifest(&world), |command| command.env("NIXOS_ACTION", "dry-activate"));
    assert!(!world.path("/run/metrics").exists());
}

/// The reader of Prometheus takes the text, whatever characters a path has.
#[test]
fn prometheus_reads_the_metrics() {
    let Some(world) = World::system() else { return };
    let Some(python) = python() else { return };
    let odd = world.write("a \"b\" c\\d\ne.json", fs::read(world.fixture("nesting.json")).unwrap());
    world.install(&manifest(&world).secret_with("odd", &odd, KEY, json!({})));
    let script = "import sys\nfrom prometheus_client.parser import text_string_to_metric_families\n\
        for family in text_string_to_metric_families(open(sys.argv[1]).read()):\n\
        \x20for sample in family.samples: print(family.type, repr(family.documentation[-1]), sample.name, sample.labels.get('file', '').split('/')[-1].encode())";
    let file = world.path(FILE);
    let output = Command::new(python).args(["-c", script]).arg(&file).output().unwrap();
    let read = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(read.lines().count(), 11, "{read}");
    assert!(read.lines().all(|line| line.starts_with("gauge '.' sops_nix_")), "{read}");
    assert!(
        read.contains("sops_nix_file_recipients b'a \"b\" c\\\\d\\ne.json'\n"),
        "{read}"
    );
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o644);
}

/// A Python that has the client of Prometheus.
fn python() -> Option<&'static str> {
    let can = |python: &&str| {
        let mut command = Command::new(python);
        command.args(["-c", "import prometheus_client"]).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let python = ["python3", "/usr/bin/python3"].into_iter().find(can);
    if python.is_none() {
        say("skipped: needs the package prometheus_client of Python");
    }
    python
}
