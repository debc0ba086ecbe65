//! Checks the man pages and the shell completions that the build makes: each command has a page that groff formats without a warning,
//! and the shells complete each command.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    command_lines::{commands, help},
    files, found, root,
};

/// Where `build.rs` has put them.
fn directory() -> PathBuf {
    root().join(option_env!("SOPS_ASSETS").unwrap_or(env!("OUT_DIR")))
}

/// The programs and the commands, each with the name of its page and what its help prints.
fn pages() -> Vec<(String, String)> {
    let (sops_nix, installer) = (env!("CARGO_BIN_EXE_sops-nix"), env!("CARGO_BIN_EXE_sops-install-secrets"));
    let own = help(sops_nix, &[]);
    let names = commands(&own).into_iter();
    let mut pages: Vec<_> = names
        .map(|name| (format!("sops-nix-{name}"), help(sops_nix, &[name])))
        .collect();
    pages.extend([
        ("sops-nix".to_owned(), own.clone()),
        ("sops-install-secrets".to_owned(), help(installer, &[])),
    ]);
    pages
}

/// What groff makes of a page, without bold and underlined letters; and what it warns of.
fn formatted(page: &Path) -> (String, String) {
    // In long lines no word is cut.
    let arguments = ["-man", "-ww", "-Tascii", "-P-cbou", "-rLL=2000n"];
    let output = Command::new("groff").args(arguments).arg(page).output().unwrap();
    let [text, warnings] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (text, warnings)
}

/// The long options that a text names.
fn options(text: &str) -> Vec<String> {
    let mut options: Vec<_> = found(r"(--?[a-z][a-z-]+)", text).into_iter().map(str::to_owned).collect();
    options.sort();
    options.dedup();
    options
}

fn has(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success())
}

#[test]
fn each_command_has_a_man_page_with_its_options_and_no_warning() {
    if !has("groff") {
        println!("skipped: groff is missing");
        return;
    }
    for (name, help) in pages() {
        let (text, warnings) = formatted(&directory().join(format!("{name}.1")));
        assert_eq!(warnings, "", "{name}");
        assert!(text.contains("NAME") && text.contains("SYNOPSIS"), "{name}: {text}");
        for option in options(&help) {
            assert!(text.contains(&option), "{name} lacks {option}: {text}");
        }
    }
}

#[test]
fn each_program_by_hand_has_a_man_page_with_its_options_and_no_warning() {
    let usage = Command::new("bash")
        .args([root().join("nix/git-credential-sops.sh").to_str().unwrap(), "--help"])
        .output();
    let usage = String::from_utf8(usage.unwrap().stdout).unwrap();
    let page = root().join("nix/git-credential-sops.1");
    let source = std::fs::read_to_string(&page).unwrap().replace('\\', "");
    assert!(options(&usage).len() > 2, "{usage}");
    for option in options(&usage) {
        assert!(source.contains(&option), "the page lacks {option}");
    }
    if has("groff") {
        assert_eq!(formatted(&page).1, "");
    }
    let others = files(&root().join("nix"))
        .into_iter()
        .filter(|path| path.extension().is_some_and(|it| it == "1"));
    assert_eq!(others.collect::<Vec<_>>(), [page]);
}

#[test]
fn the_shells_complete_each_command() {
    let own = help(env!("CARGO_BIN_EXE_sops-nix"), &[]);
    let bash = r#"source "$1"
        function=$(complete -p sops-nix | sed 's/.*-F \([^ ]*\).*/\1/')
        COMP_WORDS=(sops-nix "") COMP_CWORD=1; $function sops-nix "" sops-nix; echo "${COMPREPLY[@]}"
        COMP_WORDS=(sops-nix rollback --) COMP_CWORD=2; $function sops-nix -- rollback; echo "${COMPREPLY[@]}""#;
    let file = directory().join("sops-nix.bash");
    let output = Command::new("bash").args(["-euc", bash, "bash"]).arg(&file).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (first, second) = text.split_once('\n').unwrap();
    for name in commands(&own) {
        assert!(first.split_whitespace().any(|word| word == name), "bash: {name}: {text}");
        for file in ["sops-nix.fish", "_sops-nix"] {
            assert!(
                std::fs::read_to_string(directory().join(file)).unwrap().contains(name),
                "{file}: {name}"
            );
        }
    }
    assert!(second.contains("--phase") && second.contains("--yes"), "{text}");
    for (shell, file) in [("zsh", "_sops-nix"), ("fish", "sops-nix.fish"), ("bash", "sops-nix.bash")] {
        if has(shell) {
            let checked = Command::new(shell).arg("-n").arg(directory().join(file)).output().unwrap();
            assert!(checked.status.success(), "{shell}: {checked:?}");
        }
    }
}
