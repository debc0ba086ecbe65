//! Carries out the commands of `docs/switch-from-agenix.md` that encrypt a file of agenix anew.

use std::{fs, path::Path, process::Command};

use regex::Regex;

use crate::{found, read};

/// What a shell prints, which has to end well.
fn shell(home: &Path, script: &str) -> String {
    let search = std::env::var("PATH").unwrap_or_default();
    let own = Path::new(env!("CARGO_BIN_EXE_sops-nix")).parent().unwrap();
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", script])
        .current_dir(home)
        .env_clear()
        .env("HOME", home)
        .env("SOPS_DISABLE_VERSION_CHECK", "1")
        .env("PATH", format!("{}:{search}", own.display()))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{script}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn has(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}

#[test]
fn a_file_of_agenix_is_encrypted_anew_by_the_commands_of_the_page() {
    if !["age", "sops", "ssh-keygen"].iter().all(|program| has(program)) {
        println!("skipped: age, sops or ssh-keygen is missing");
        return;
    }
    let page = read("docs/switch-from-agenix.md");
    let rules = found(r"(?s)```yaml\n(keys:.*?)```", &page)[0];
    let commands = found(r"(?m)^    ((?:mkdir|age) .*)$", &page);
    assert_eq!(commands.len(), 2, "{commands:?}");

    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    shell(home, "mkdir .ssh; ssh-keygen -q -t ed25519 -N '' -C '' -f .ssh/id_ed25519");
    let public = fs::read_to_string(home.join(".ssh/id_ed25519.pub")).unwrap();
    let alice = Regex::new("&alice .*").unwrap();
    assert!(alice.is_match(rules), "{rules}");
    fs::write(
        home.join(".sops.yaml"),
        alice.replace(rules, format!("&alice {}", public.trim())).as_bytes(),
    )
    .unwrap();
    // As agenix has made it.
    shell(
        home,
        r"printf 'two\nlines\n' | age --encrypt --recipients-file .ssh/id_ed25519.pub > secret1.age",
    );

    shell(home, &commands.join("\n"));
    assert_eq!(shell(home, "sops decrypt secrets/secret1"), "two\nlines\n");
    assert_eq!(shell(home, "sops-nix inspect secrets/secret1 | grep -c ^recipient"), "2\n");
    assert_eq!(shell(home, "sops-nix check"), "");
}
