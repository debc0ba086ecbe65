//! Tests programs and other key sources that fail. They must fail within their time limit, with a message that names them, and
//! without harm to other secrets.

use std::fs;
use std::time::{Duration, Instant};

use expect_test::expect;

use crate::common::{Said, World, tree};
use crate::host::{Host, Ready, plugin_identity};
use crate::{fixture, paragraph};

/// A time that is enough for a run whose program may take two seconds, even on a busy machine.
const SOON: Duration = Duration::from_secs(25);

/// A host with a key for the file `text.bin`. Its limit for a program is longer than any program needs that answers.
fn host() -> Host {
    Host::new().field("keyTimeout", 20).age("age.txt")
}

/// The same host with a short limit, for programs that never answer.
fn hurried(host: Host) -> Host {
    host.field("keyTimeout", 2)
}

/// A host that asks gpg for `to-pgp.yaml`.
fn with_gpg() -> Host {
    host().gnupg("pgp_curve25519.asc")
}

/// A host with an identity of the plugin for tests, for `to-plugin.yaml`.
fn with_plugin(actions: &[&str]) -> Host {
    host().identity(&plugin_identity("fixtures", actions))
}

/// A host with a key command.
fn with_command(command: &str) -> Host {
    host().variable("SOPS_AGE_KEY_CMD", command)
}

/// Adds the file that opens, and the file that does not open.
fn with_both(host: Ready, file: &str) -> Ready {
    let files = ["text.bin", file].map(|name| host.world.fixture(name));
    host.with_files(&files)
}

/// Runs the program, and checks that the run ends soon.
fn run(host: &Ready) -> Said {
    let before = Instant::now();
    let said = host.run();
    assert!(before.elapsed() < SOON, "{:?}: {said:?}", before.elapsed());
    said
}

/// The names of the published files.
fn published(host: &Ready) -> String {
    ["run/secrets.d", "home"].map(|name| tree(&host.world.input(name))).concat()
}

/// Publishes twice. The first run publishes all but the failed secrets. The second run finds a live generation, so it changes
/// nothing. Returns what the first run prints.
fn told(heading: &str, host: Option<Ready>, file: &str) -> Option<String> {
    let host = with_both(host?, file);
    let said = run(&host);
    assert_eq!(said.code, Some(3), "{heading}: {said:?}");
    let plain = fs::read(fixture("text.bin.decrypted")).unwrap();
    assert_eq!(host.published("text.bin"), Some(plain), "{heading}");
    assert_eq!(host.published(file), None, "{heading}");
    let before = published(&host);
    let again = run(&host);
    assert_eq!((again.code, published(&host)), (Some(1), before), "{heading}: {again:?}");
    Some(paragraph(heading, &said))
}

/// The texts of all cases; `None` if a case had to be skipped.
fn all(cases: Vec<(&str, Host, &str)>) -> Option<String> {
    let texts = cases
        .into_iter()
        .map(|(heading, host, file)| told(heading, host.ready(), file));
    texts.collect::<Option<Vec<_>>>().map(|texts| texts.concat())
}

#[test]
fn a_failing_gpg_is_named_and_the_other_secrets_are_published() {
    let text = all(vec![
        ("missing", with_gpg().variable("SOPS_GPG_EXEC", "/nowhere/gpg"), "to-pgp.yaml"),
        ("not in PATH", with_gpg().variable("PATH", "$DIR/bin"), "to-pgp.yaml"),
        ("hanging", hurried(with_gpg()).script("gpg", "exec sleep 60"), "to-pgp.yaml"),
        (
            "garbage",
            with_gpg().script("gpg", "cat > /dev/null; echo garbage; echo 'a complaint' >&2"),
            "to-pgp.yaml",
        ),
        ("no home", host().variable("GNUPGHOME", "/nowhere/home"), "to-pgp.yaml"),
        (
            "a gpgconf that hangs",
            hurried(with_gpg())
                .script("gpgconf", "exec sleep 60")
                .script("gpg", "exit 1")
                .variable("SOPS_GPG_EXEC", "$DIR/bin/gpg"),
            "to-pgp.yaml",
        ),
    ]);
    let Some(text) = text else { return };
    expect![[r#"
        # missing: 3
        error: cannot decrypt $DIR/to-pgp.yaml (needed by secret to-pgp.yaml)
          this file can be opened by:
            pgp  6E5FD1E4D065AD59675C75A8C276012957CA5C22  (/nowhere/gpg: no such program; set sops.gnupg.package or SOPS_GPG_EXEC)
          this host has:
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/keys.txt
            gpg, with the keys in $DIR/gnupg
          hint: repair the fault named above, or add age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/to-pgp.yaml
        error: published 1 of 2 in $DIR/home/.config/sops-nix/secrets, without: to-pgp.yaml; repair the faults named above, and run: systemctl --user restart sops-nix

        # not in PATH: 3
        error: cannot decrypt $DIR/to-pgp.yaml (needed by secret to-pgp.yaml)
          this file can be opened by:
            pgp  6E5FD1E4D065AD59675C75A8C276012957CA5C22  (gpg: no such program in PATH; set sops.gnupg.package or SOPS_GPG_EXEC)
          this host has:
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/keys.txt
            gpg, with the keys in $DIR/gnupg
          hint: repair the fault named above, or add age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/to-pgp.yaml
        error: published 1 of 2 in $DIR/home/.config/sops-nix/secrets, without: to-pgp.yaml; repair the faults named above, and run: systemctl --user restart sops-nix

        # hanging: 3
        error: cannot decrypt $DIR/to-pgp.yaml (needed by secret to-pgp.yaml)
          this file can be opened by:
            pgp  6E5FD1E4D065AD59675C75A8C276012957CA5C22  (gpg: no answer within 2 s)
          this host has:
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/keys.txt
            gpg, with the keys in $DIR/gnupg
          hint: repair the fault named above, or add age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/to-pgp.yaml
        error: published 1 of 2 in $DIR/home/.config/sops-nix/secrets, without: to-pgp.yaml; repair the faults named above, and run: systemctl --user restart sops-nix

        # garbage: 3
        error: cannot decrypt $DIR/to-pgp.yaml (needed by secret to-pgp.yaml)
          this file can be opened by:
            pgp  6E5FD1E4D065AD59675C75A8C276012957CA5C22  (gpg failed: a complaint)
          this host has:
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/keys.txt
            gpg, with the keys in $DIR/gnupg
          hint: repair the fault named above, or add age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/to-pgp.yaml
        error: published 1 of 2 in $DIR/home/.config/sops-nix/secrets, without: to-pgp.yaml; repair the faults named above, and run: systemctl --user restart sops-nix

        # no home: 3
        warning: cannot use /nowhere/home: no such directory; restore the directory, or correct sops.gnupg.home or GNUPGHOME
        error: cannot decrypt $DIR/to-pgp.yaml (needed by secret to-pgp.yaml)
          this file can be opened by:
            pgp  6E5FD1E4D065AD59675C75A8C276012957CA5C22
          this host has:
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/keys.txt
            (no key)  /nowhere/home: no such directory
          hint: repair the fault named above, or add age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/to-pgp.yaml
        error: published 1 of 2 in $DIR/home/.config/sops-nix/secrets, without: to-pgp.yaml; repair the faults named above, and run: systemctl --user restart sops-nix

        # a gpgconf that hangs: 3
        error: cannot decrypt $DIR/to-pgp.yaml (needed by secret to-pgp.yaml)
          this file can be opened by:
            pgp  6E5FD1E4D065AD59675C75A8C276012957CA5C22  (cannot start gpg-agent: gpgconf: no answer within 2 s)
          this host has:
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/keys.txt
            gpg, with the keys in $DIR/gnupg
          hint: repair the fault named above, or add age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/to-pgp.yaml
        error: published 1 of 2 in $DIR/home/.config/sops-nix/secrets, without: to-pgp.yaml; repair the faults named above, and run: systemctl --user restart sops-nix

    "#]].assert_eq(&text);
}

#[test]
fn a_failing_plugin_is_named_and_the_other_secrets_are_published() {
    let text = all(vec![
        (
            "missing",
            with_plugin(&["silent"]).variable("PATH", "/nowhere"),
            "to-plugin.yaml",
        ),
        ("hanging", hurried(with_plugin(&["hang"])), "to-plugin.yaml"),
        ("garbage", with_plugin(&["say garbage\\n"]), "to-plugin.yaml"),
        ("ended", with_plugin(&["exit 7"]), "to-plugin.yaml"),
    ]);
    expect![[r#"
        # missing: 3
        warning: cannot use line 2 of $DIR/keys.txt: age-plugin-test: no such program in PATH; add its package to sops.age.plugins
        error: cannot decrypt $DIR/to-plugin.yaml (needed by secret to-plugin.yaml)
          this file can be opened by:
            age  age1test1ve5hsar4wfjhxucamjs  (age-plugin-test: no such program in PATH; add its package to sops.age.plugins)
          this host has:
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/keys.txt
            age-plugin-test  for line 2 of $DIR/keys.txt
            (no key)  line 2 of $DIR/keys.txt: age-plugin-test: no such program in PATH; add its package to sops.age.plugins
          hint: repair the fault named above, or add age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/to-plugin.yaml
        error: published 1 of 2 in $DIR/home/.config/sops-nix/secrets, without: to-plugin.yaml; repair the faults named above, and run: systemctl --user restart sops-nix

        # hanging: 3
        warning: cannot use line 2 of $DIR/keys.txt: age-plugin-test gave no answer within 2 s
        error: cannot decrypt $DIR/to-plugin.yaml (needed by secret to-plugin.yaml)
          this file can be opened by:
            age  age1test1ve5hsar4wfjhxucamjs  (age-plugin-test gave no answer within 2 s)
          this host has:
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/keys.txt
            age-plugin-test  for line 2 of $DIR/keys.txt
            (no key)  line 2 of $DIR/keys.txt: age-plugin-test gave no answer within 2 s
          hint: repair the fault named above, or add age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/to-plugin.yaml
        error: published 1 of 2 in $DIR/home/.config/sops-nix/secrets, without: to-plugin.yaml; repair the faults named above, and run: systemctl --user restart sops-nix

        # garbage: 3
        warning: cannot use line 2 of $DIR/keys.txt: age-plugin-test broke the plugin protocol: what it says is no stanza
        error: cannot decrypt $DIR/to-plugin.yaml (needed by secret to-plugin.yaml)
          this file can be opened by:
            age  age1test1ve5hsar4wfjhxucamjs  (age-plugin-test broke the plugin protocol: what it says is no stanza)
          this host has:
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/keys.txt
            age-plugin-test  for line 2 of $DIR/keys.txt
            (no key)  line 2 of $DIR/keys.txt: age-plugin-test broke the plugin protocol: what it says is no stanza
          hint: repair the fault named above, or add age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/to-plugin.yaml
        error: published 1 of 2 in $DIR/home/.config/sops-nix/secrets, without: to-plugin.yaml; repair the faults named above, and run: systemctl --user restart sops-nix

        # ended: 3
        warning: cannot use line 2 of $DIR/keys.txt: age-plugin-test ended with status 7 before it was done
        error: cannot decrypt $DIR/to-plugin.yaml (needed by secret to-plugin.yaml)
          this file can be opened by:
            age  age1test1ve5hsar4wfjhxucamjs  (age-plugin-test ended with status 7 before it was done)
          this host has:
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/keys.txt
            age-plugin-test  for line 2 of $DIR/keys.txt
            (no key)  line 2 of $DIR/keys.txt: age-plugin-test ended with status 7 before it was done
          hint: repair the fault named above, or add age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/to-plugin.yaml
        error: published 1 of 2 in $DIR/home/.config/sops-nix/secrets, without: to-plugin.yaml; repair the faults named above, and run: systemctl --user restart sops-nix

    "#]].assert_eq(&text.unwrap());
}

#[test]
fn a_plugin_that_asks_in_system_mode_is_refused_with_its_question() {
    let Some(world) = World::system() else { return };
    let host = with_plugin(&["send request-secret|the PIN, please", "want ok|1234"])
        .ready_in(world)
        .unwrap();
    let said = run(&with_both(host, "to-plugin.yaml"));
    expect![[r##"
        # asking: 3
        warning: cannot use line 2 of $DIR/keys.txt: age-plugin-test asked "the PIN, please", but nobody is here to answer; use a key without PIN or touch
        error: cannot decrypt $DIR/to-plugin.yaml (needed by secret to-plugin.yaml)
          this file can be opened by:
            age  age1test1ve5hsar4wfjhxucamjs  (age-plugin-test asked "the PIN, please", but nobody is here to answer; use a key without PIN or touch)
          this host has:
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/keys.txt
            age-plugin-test  for line 2 of $DIR/keys.txt
            (no key)  line 2 of $DIR/keys.txt: age-plugin-test asked "the PIN, please", but nobody is here to answer; use a key without PIN or touch
          hint: repair the fault named above, or add age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/to-plugin.yaml
        error: published 1 of 2 in /run/secrets, without: to-plugin.yaml; repair the faults named above, and run: /run/current-system/activate

    "##]]
    .assert_eq(&paragraph("asking", &said));
}

#[test]
fn a_failing_key_command_is_named_and_the_other_secrets_are_published() {
    let ssh = |command: &str| host().variable("SOPS_AGE_SSH_PRIVATE_KEY_CMD", command);
    let text = all(vec![
        ("missing", with_command("/nowhere/command --key"), "to-other.yaml"),
        ("hanging", hurried(with_command("sleep 60")), "to-other.yaml"),
        (
            "failing",
            with_command("sh -c 'echo it did not work >&2; exit 7'"),
            "to-other.yaml",
        ),
        ("printing garbage", with_command("echo garbage"), "to-other.yaml"),
        ("printing nothing", with_command("true"), "to-other.yaml"),
        ("with a quote too few", with_command("sh -c 'true"), "to-other.yaml"),
        ("for an SSH key, printing garbage", ssh("echo garbage"), "to-other.yaml"),
        ("for an SSH key, missing", ssh("/nowhere/command"), "to-other.yaml"),
    ]);
    expect![[r#"
        # missing: 3
        warning: cannot use SOPS_AGE_KEY_CMD: /nowhere/command: no such program
        error: cannot decrypt $DIR/to-other.yaml (needed by secret to-other.yaml)
          this file can be opened by:
            age  age1ckje58egddjgc73tl3uvd3arzmnndgca45npyezu37h8zsz8m9jsdqwf05
          this host has:
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/keys.txt
            (no key)  SOPS_AGE_KEY_CMD: /nowhere/command: no such program
          hint: repair the fault named above, or add age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/to-other.yaml
        error: published 1 of 2 in $DIR/home/.config/sops-nix/secrets, without: to-other.yaml; repair the faults named above, and run: systemctl --user restart sops-nix

        # hanging: 3
        warning: cannot use SOPS_AGE_KEY_CMD: sleep: no answer within 2 s
        error: cannot decrypt $DIR/to-other.yaml (needed by secret to-other.yaml)
          this file can be opened by:
            age  age1ckje58egddjgc73tl3uvd3arzmnndgca45npyezu37h8zsz8m9jsdqwf05
          this host has:
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/keys.txt
            (no key)  SOPS_AGE_KEY_CMD: sleep: no answer within 2 s
          hint: repair the fault named above, or add age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/to-other.yaml
        error: published 1 of 2 in $DIR/home/.config/sops-nix/secrets, without: to-other.yaml; repair the faults named above, and run: systemctl --user restart sops-nix

        # failing: 3
        warning: cannot use SOPS_AGE_KEY_CMD: sh failed with exit status: 7
        error: cannot decrypt $DIR/to-other.yaml (needed by secret to-other.yaml)
          this file can be opened by:
            age  age1ckje58egddjgc73tl3uvd3arzmnndgca45npyezu37h8zsz8m9jsdqwf05
          this host has:
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/keys.txt
            (no key)  SOPS_AGE_KEY_CMD: sh failed with exit status: 7
          hint: repair the fault named above, or add age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/to-other.yaml
        error: published 1 of 2 in $DIR/home/.config/sops-nix/secrets, without: to-other.yaml; repair the faults named above, and run: systemctl --user restart sops-nix

        # printing garbage: 3
        warning: cannot use line 1 of SOPS_AGE_KEY_CMD: it is not an age identity; correct or remove the line
        error: cannot decrypt $DIR/to-other.yaml (needed by secret to-other.yaml)
          this file can be opened by:
            age  age1ckje58egddjgc73tl3uvd3arzmnndgca45npyezu37h8zsz8m9jsdqwf05
          this host has:
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/keys.txt
            (no key)  line 1 of SOPS_AGE_KEY_CMD: it is not an age identity
          hint: repair the fault named above, or add age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/to-other.yaml
        error: published 1 of 2 in $DIR/home/.config/sops-nix/secrets, without: to-other.yaml; repair the faults named above, and run: systemctl --user restart sops-nix

        # printing nothing: 3
        warning: cannot use SOPS_AGE_KEY_CMD: it contains no age identity
        error: cannot decrypt $DIR/to-other.yaml (needed by secret to-other.yaml)
          this file can be opened by:
            age  age1ckje58egddjgc73tl3uvd3arzmnndgca45npyezu37h8zsz8m9jsdqwf05
          this host has:
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/keys.txt
            (no key)  SOPS_AGE_KEY_CMD: it contains no age identity
          hint: repair the fault named above, or add age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/to-other.yaml
        error: published 1 of 2 in $DIR/home/.config/sops-nix/secrets, without: to-other.yaml; repair the faults named above, and run: systemctl --user restart sops-nix

        # with a quote too few: 3
        warning: cannot use SOPS_AGE_KEY_CMD: its value is not a command; check the quotes in it
        error: cannot decrypt $DIR/to-other.yaml (needed by secret to-other.yaml)
          this file can be opened by:
            age  age1ckje58egddjgc73tl3uvd3arzmnndgca45npyezu37h8zsz8m9jsdqwf05
          this host has:
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/keys.txt
            (no key)  SOPS_AGE_KEY_CMD: its value is not a command
          hint: repair the fault named above, or add age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/to-other.yaml
        error: published 1 of 2 in $DIR/home/.config/sops-nix/secrets, without: to-other.yaml; repair the faults named above, and run: systemctl --user restart sops-nix

        # for an SSH key, printing garbage: 3
        warning: cannot use SOPS_AGE_SSH_PRIVATE_KEY_CMD: it is not an SSH private key; restore the key, or give the path of another one
        error: cannot decrypt $DIR/to-other.yaml (needed by secret to-other.yaml)
          this file can be opened by:
            age  age1ckje58egddjgc73tl3uvd3arzmnndgca45npyezu37h8zsz8m9jsdqwf05
          this host has:
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/keys.txt
            (no key)  SOPS_AGE_SSH_PRIVATE_KEY_CMD: it is not an SSH private key
          hint: repair the fault named above, or add age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/to-other.yaml
        error: published 1 of 2 in $DIR/home/.config/sops-nix/secrets, without: to-other.yaml; repair the faults named above, and run: systemctl --user restart sops-nix

        # for an SSH key, missing: 3
        warning: cannot use SOPS_AGE_SSH_PRIVATE_KEY_CMD: /nowhere/command: no such program
        error: cannot decrypt $DIR/to-other.yaml (needed by secret to-other.yaml)
          this file can be opened by:
            age  age1ckje58egddjgc73tl3uvd3arzmnndgca45npyezu37h8zsz8m9jsdqwf05
          this host has:
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/keys.txt
            (no key)  SOPS_AGE_SSH_PRIVATE_KEY_CMD: /nowhere/command: no such program
          hint: repair the fault named above, or add age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/to-other.yaml
        error: published 1 of 2 in $DIR/home/.config/sops-nix/secrets, without: to-other.yaml; repair the faults named above, and run: systemctl --user restart sops-nix

    "#]].assert_eq(&text.unwrap());
}

#[test]
fn a_missing_credential_is_named_and_the_other_secrets_are_published() {
    let host = || host().field("ageKeyCredential", "age-key");
    let text = all(vec![
        ("no unit", host(), "to-other.yaml"),
        (
            "another credential",
            host()
                .input("credentials/other", "keys/other-age.txt")
                .variable("CREDENTIALS_DIRECTORY", "$DIR/credentials"),
            "to-other.yaml",
        ),
    ]);
    expect![[r#"
        # no unit: 3
        warning: cannot use credential age-key: systemd gave this process no credentials; start the systemd unit that loads the credential, not this program by hand
        error: cannot decrypt $DIR/to-other.yaml (needed by secret to-other.yaml)
          this file can be opened by:
            age  age1ckje58egddjgc73tl3uvd3arzmnndgca45npyezu37h8zsz8m9jsdqwf05
          this host has:
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/keys.txt
            (no key)  credential age-key: systemd gave this process no credentials
          hint: repair the fault named above, or add age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/to-other.yaml
        error: published 1 of 2 in $DIR/home/.config/sops-nix/secrets, without: to-other.yaml; repair the faults named above, and run: systemctl --user restart sops-nix

        # another credential: 3
        warning: cannot use credential age-key: no such file; add LoadCredential=age-key:… or LoadCredentialEncrypted=age-key:… to the unit
        error: cannot decrypt $DIR/to-other.yaml (needed by secret to-other.yaml)
          this file can be opened by:
            age  age1ckje58egddjgc73tl3uvd3arzmnndgca45npyezu37h8zsz8m9jsdqwf05
          this host has:
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/keys.txt
            (no key)  credential age-key: no such file
          hint: repair the fault named above, or add age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/to-other.yaml
        error: published 1 of 2 in $DIR/home/.config/sops-nix/secrets, without: to-other.yaml; repair the faults named above, and run: systemctl --user restart sops-nix

    "#]].assert_eq(&text.unwrap());
}

#[test]
fn a_hanging_gpg_costs_one_deadline_for_ten_files() {
    let script = "echo here >> $DIR/started; exec sleep 60";
    let host = Host::new()
        .field("keyTimeout", 2)
        .gnupg("pgp_curve25519.asc")
        .script("gpg", script);
    let Some(host) = host.ready() else { return };
    let text = fs::read(fixture("to-pgp.yaml")).unwrap();
    let files: Vec<_> = (0..10)
        .map(|number| host.world.write(&format!("{number}.yaml"), &text))
        .collect();
    let host = host.with_files(&files);
    let before = Instant::now();
    let said = host.run();
    let duration = before.elapsed();
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(fs::read_to_string(host.world.input("started")).unwrap(), "here\n");
    assert_eq!(said.err.matches("(gpg: no answer within 2 s)").count(), 10, "{said:?}");
    assert!(duration < Duration::from_secs(18), "{duration:?}");
}

#[test]
fn programs_that_hang_one_after_the_other_have_twice_the_time_of_one() {
    let Some(world) = World::system() else { return };
    let host = hurried(Host::new().gnupg("pgp_curve25519.asc"))
        .variable("SOPS_AGE_KEY_CMD", "sleep 60")
        .variable("SOPS_AGE_SSH_PRIVATE_KEY_CMD", "sleep 60");
    let Some(host) = host.ready_in(world) else { return };
    let files = ["to-other.yaml", "to-pgp.yaml"].map(|name| host.world.fixture(name));
    let said = run(&host.with_files(&files));
    assert_eq!(said.code, Some(1), "{said:?}");
    let late = "  (not asked: the programs before it used up the time; raise sops.keyTimeout)\n";
    assert!(said.err.contains(late), "{said:?}");
}
