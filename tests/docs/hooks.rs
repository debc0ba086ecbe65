//! Runs the hook of `.pre-commit-hooks.yaml` by the real pre-commit.

use std::{fs, path::Path, process::Command};

use crate::root;

/// What a shell prints on both streams, and whether it ended well. `pre-commit` and `sops-nix` are in the search path.
fn shell(home: &Path, script: &str) -> (String, bool) {
    let search = std::env::var("PATH").unwrap_or_default();
    let own = Path::new(env!("CARGO_BIN_EXE_sops-nix")).parent().unwrap();
    let output = Command::new("bash")
        .args(["-euc", &format!("exec 2>&1\n{script}")])
        .current_dir(home)
        .env_clear()
        .env("HOME", home)
        .env("PRE_COMMIT_HOME", home.join("cache"))
        .env("SOPS_DISABLE_VERSION_CHECK", "1")
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "safe.directory")
        .env("GIT_CONFIG_VALUE_0", "*")
        .env("PATH", format!("{}:{search}", own.display()))
        .output()
        .unwrap();
    (String::from_utf8(output.stdout).unwrap(), output.status.success())
}

const COMMIT: &str = "git -c user.name=x -c user.email=x@y commit -q";

#[test]
fn the_hook_refuses_a_commit_with_a_plain_file_until_the_command_that_it_prints_was_typed() {
    let has = |program: &str| Command::new(program).arg("--version").output().is_ok();
    if !["pre-commit", "git", "sops"].iter().all(|program| has(program)) {
        println!("skipped: pre-commit, git or sops is missing");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let ends_well = |script: &str| {
        let (said, is_good) = shell(home, script);
        assert!(is_good, "{script}: {said}");
        said
    };
    // A repository of our hooks alone, and one that uses them.
    fs::create_dir(home.join("hooks")).unwrap();
    fs::copy(
        root().join(".pre-commit-hooks.yaml"),
        home.join("hooks/.pre-commit-hooks.yaml"),
    )
    .unwrap();
    ends_well("pre-commit validate-manifest hooks/.pre-commit-hooks.yaml");
    ends_well(&format!(
        "cd hooks; git init -q; git add .pre-commit-hooks.yaml; {COMMIT} -m hooks"
    ));
    let recipient = "age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u";
    ends_well(&format!(
        "mkdir user; cd user; git init -q
         revision=$(git -C ../hooks rev-parse HEAD)
         printf 'repos: [{{repo: ../hooks, rev: %s, hooks: [{{id: sops-nix-check-system}}]}}]\\n' $revision > .pre-commit-config.yaml
         printf 'creation_rules: [{{path_regex: secrets/.*, age: {recipient}}}]\\n' > .sops.yaml
         mkdir secrets; echo 'password: hunter2' > secrets/db.yaml
         git add .; pre-commit install"
    ));
    let (said, is_good) = shell(home, &format!("cd user; {COMMIT} -m first"));
    assert!(
        !is_good && said.contains("it was never encrypted") && !said.contains("hunter2"),
        "{said}"
    );
    let remedy = said.split_once("run: ").unwrap().1.lines().next().unwrap().trim();
    assert_eq!(remedy, "sops encrypt --in-place secrets/db.yaml");
    ends_well(&format!("cd user; {remedy}"));
    // What is committed counts: pre-commit puts the rest of the worktree aside.
    let (said, is_good) = shell(home, &format!("cd user; {COMMIT} -m 'only in the worktree'"));
    assert!(!is_good, "{said}");
    ends_well(&format!("cd user; git add secrets; {COMMIT} -m second"));
    // A fault that is only in the worktree is not part of a commit.
    ends_well(&format!(
        "cd user; echo 'password: hunter2' > secrets/db.yaml; echo > README; git add README; {COMMIT} -m third"
    ));
}
