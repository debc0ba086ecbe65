//! Measures the whole program, from start to exit, on inputs from one secret to ten thousand. Prints a Markdown table.
//!
//! As root, the bench runs in a private mount namespace with the real ramfs; otherwise, in user mode. `--short` only checks that
//! the bench works: it takes fewer runs and smaller inputs.

// The lints about panics are meant for the program. A bench may panic, because it has nobody to report an error to.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod inputs;
mod measure;

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use inputs::{Inputs, key, placeholder, secret};
use measure::Cost;
use nix::mount::{MsFlags, mount, umount};
use nix::unistd::Uid;
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_sops-install-secrets");

fn main() {
    let arguments: Vec<String> = env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some("--measure") => measure::here(&arguments[2..]),
        Some("--inside") => bench(&Place::system(), arguments.contains(&"--short".to_owned())),
        _ if Uid::effective().is_root() => enter_namespace(&arguments),
        _ => bench(&Place::user(), arguments.contains(&"--short".to_owned())),
    }
}

/// Starts this bench again in a mount namespace of its own. When the namespace ends, all its mounts end too.
fn enter_namespace(arguments: &[String]) {
    let error = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "--"])
        .arg(env::current_exe().unwrap())
        .arg("--inside")
        .args(&arguments[1..])
        .exec();
    panic!("cannot run unshare: {error}");
}

/// Where secrets are installed.
struct Place {
    /// The temporary directory, which is removed at the end of the bench.
    _directory: Option<tempfile::TempDir>,
    mount_point: PathBuf,
    link: PathBuf,
    is_user: bool,
}

impl Place {
    fn system() -> Self {
        mount(Some("tmpfs"), "/run", Some("tmpfs"), MsFlags::empty(), Some("mode=0755")).unwrap();
        Self {
            _directory: None,
            mount_point: "/run/secrets.d".into(),
            link: "/run/secrets".into(),
            is_user: false,
        }
    }

    fn user() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (mount_point, link) = (directory.path().join("secrets.d"), directory.path().join("secrets"));
        Self {
            _directory: Some(directory),
            mount_point,
            link,
            is_user: true,
        }
    }

    /// Puts everything back into the state before the first run.
    fn clear(&self) {
        if !self.is_user {
            let _ = umount(&self.mount_point);
        }
        let _ = fs::remove_dir_all(&self.mount_point);
        let _ = fs::remove_file(&self.link);
    }
}

/// One line of the table.
struct Case {
    name: String,
    secrets: Vec<Value>,
    templates: Vec<Value>,
    placeholders: Value,
    runs: usize,
    is_second_run: bool,
}

impl Case {
    fn new(name: String, secrets: Vec<Value>, runs: usize) -> Self {
        Self {
            name,
            secrets,
            templates: Vec::new(),
            placeholders: json!({}),
            runs,
            is_second_run: false,
        }
    }
}

fn bench(place: &Place, is_short: bool) {
    let directory = tempfile::tempdir().unwrap();
    let mut inputs = Inputs::new(directory.path());
    let cases = cases(&mut inputs, &place.link, is_short);
    let manner = if place.is_user {
        "user mode, without a mount"
    } else {
        "as root, ramfs in a private mount namespace"
    };
    println!("Whole process, {manner}; medians, release build.\n");
    println!("| what | wall | CPU | peak memory | runs |\n| --- | ---: | ---: | ---: | ---: |");
    for case in &cases {
        let manifest = write_manifest(directory.path(), &inputs, place, case);
        let costs: Vec<Cost> = (0..case.runs).map(|_| run(place, case, &manifest)).collect();
        println!(
            "| {} | {:.1} ms | {:.1} ms | {:.1} MiB | {} |",
            case.name,
            median(&costs, |cost| cost.wall.as_secs_f64() * 1000.0),
            median(&costs, |cost| cost.cpu.as_secs_f64() * 1000.0),
            median(&costs, |cost| f64::from(u32::try_from(cost.peak_kib).unwrap()) / 1024.0),
            case.runs,
        );
    }
    place.clear();
    println!(
        "\nThe program: {:.1} MiB.",
        f64::from(u32::try_from(fs::metadata(PROGRAM).unwrap().len()).unwrap()) / 1_048_576.0
    );
}

fn cases(inputs: &mut Inputs, link: &Path, is_short: bool) -> Vec<Case> {
    let runs = if is_short { 3 } else { 21 };
    let mut cases = Vec::new();
    for count in [1, 10, 100, 1_000, 10_000] {
        let secrets = many_of_one_file(inputs, link, count);
        let name = format!("{count} secret{} of one YAML file", if count == 1 { "" } else { "s" });
        let runs = if count > 1_000 { runs.min(7) } else { runs };
        cases.push(Case::new(name, secrets, runs));
    }
    let files = (0..100).map(|number| {
        let file = inputs.yaml(&format!("file-{number}.yaml"), 1);
        secret(link, &key(number), &file, "yaml", &key(0))
    });
    cases.push(Case::new("100 YAML files of one secret".into(), files.collect(), runs));

    let mebibytes = if is_short { 10 } else { 100 };
    let file = inputs.binary("large.bin", mebibytes << 20);
    let large = vec![secret(link, "large", &file, "binary", "")];
    cases.push(Case::new(format!("a binary secret of {mebibytes} MiB"), large, runs.min(5)));

    let mut templates = Case::new(
        "100 templates of 100 placeholders".into(),
        many_of_one_file(inputs, link, 100),
        runs,
    );
    let lines: Vec<String> = (0..100)
        .map(|number| format!("{} = {}", key(number), placeholder(number)))
        .collect();
    let content = lines.join("\n");
    templates.placeholders = (0..100)
        .map(|number| (key(number), Value::from(placeholder(number))))
        .collect();
    templates.templates = (0..100).map(|number| template(link, number, &content)).collect();
    cases.push(templates);

    for count in [100, 1_000] {
        let name = format!("{count} secrets, the same run again");
        let mut again = Case::new(name, many_of_one_file(inputs, link, count), runs);
        again.is_second_run = true;
        cases.push(again);
    }
    cases
}

fn many_of_one_file(inputs: &mut Inputs, link: &Path, count: usize) -> Vec<Value> {
    let file = inputs.yaml(&format!("{count}.yaml"), count);
    (0..count)
        .map(|number| secret(link, &key(number), &file, "yaml", &key(number)))
        .collect()
}

fn template(link: &Path, number: usize, content: &str) -> Value {
    let name = format!("template{number}");
    json!({ "name": name, "content": content, "path": link.join("rendered").join(&name), "mode": "0400" })
}

fn write_manifest(directory: &Path, inputs: &Inputs, place: &Place, case: &Case) -> PathBuf {
    let manifest = json!({
        "version": 1, "secrets": case.secrets, "templates": case.templates, "placeholderBySecretName": case.placeholders,
        "secretsMountPoint": place.mount_point, "symlinkPath": place.link, "keepGenerations": 1,
        "ageKeyFile": inputs.key_file(), "ageSshKeyPaths": [], "sshKeyPaths": [],
        "userMode": place.is_user, "logging": { "keyImport": true, "secretChanges": true },
    });
    let file = directory.join("manifest.json");
    fs::write(&file, manifest.to_string()).unwrap();
    file
}

fn run(place: &Place, case: &Case, manifest: &Path) -> Cost {
    place.clear();
    let command = [PROGRAM.to_owned(), manifest.to_str().unwrap().to_owned()];
    if case.is_second_run {
        measure::in_own_process(&command);
    }
    let cost = measure::in_own_process(&command);
    assert!(cost.is_success, "the program failed");
    cost
}

fn median(costs: &[Cost], of: impl Fn(&Cost) -> f64) -> f64 {
    let mut values: Vec<f64> = costs.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
