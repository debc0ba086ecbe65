//! Tests what is reported to a host none of whose keys opens the file.

use std::path::Path;

use age_core::primitives::bech32_encode;
use bech32::Hrp;
use expect_test::expect;

use crate::kind::{KINDS, Kind};
use crate::{FORMATS, paragraph};

/// A post-quantum identity that opens no file of the fixtures.
pub fn other_hybrid() -> String {
    bech32_encode(Hrp::parse("age-secret-key-pq-").unwrap(), &[7; 32]).to_uppercase()
}

/// A text that the report must contain in its part about the host.
fn shown(kind: Kind) -> &'static str {
    match kind {
        Kind::Age => "  from $DIR/keys.txt",
        Kind::ConvertedSsh => "  from $DIR/other_ssh_ed25519 (converted)",
        Kind::SshEd25519 => "  from $DIR/other_ssh_ed25519\n",
        Kind::SshRsa => "  from $DIR/rsa_2048\n",
        Kind::SshRsaAsPgp => "pgp 4558AB16C12809887F5F838D4981864E7C1308C7  from $DIR/rsa_2048 (converted)",
        Kind::PgpRsa | Kind::PgpCurve25519 | Kind::PgpHidden => "gpg, with the keys in $DIR/gnupg",
        Kind::Plugin => "age-plugin-test  for line 1 of $DIR/keys.txt",
        Kind::Hybrid => "age1pq1",
        Kind::AgeCommand => "  from SOPS_AGE_KEY_CMD",
        Kind::SshCommand => "  from SOPS_AGE_SSH_PRIVATE_KEY_CMD",
        Kind::SshVariable => "  from $DIR/ssh\n",
        Kind::Credential => "  from credential age-key",
    }
}

/// The number of recipients of a file.
fn recipients(file: &Path) -> usize {
    match file.file_stem().unwrap().to_str().unwrap() {
        "to-mixed" | "to-groups-mixed" => 9,
        "to-mixed-hidden" | "to-groups-hidden" => 5,
        _ => 1,
    }
}

/// Fails unless a report names all recipients of the file, the keys of the host, and a command to type.
fn check(kind: Kind, file: &Path, report: &str) {
    let what = format!("{kind:?}, {}:\n{report}", file.display());
    let (of_file, of_host) = report.split_once("  this host has:\n").expect(&what);
    let (head, advice) = if file.to_str().unwrap().contains("to-groups") {
        let head = "\n  this file needs 2 of 3 key groups; this host opens none\n";
        (head, "  hint: in .sops.yaml, add ")
    } else {
        ("\n  this file can be opened by:\n", "  hint: add ")
    };
    assert!(of_file.contains(head), "{what}");
    let is_recipient = |line: &&str| line.trim_start().starts_with("age  ") || line.trim_start().starts_with("pgp  ");
    assert_eq!(of_file.lines().filter(is_recipient).count(), recipients(file), "{what}");
    assert!(of_host.contains(shown(kind)), "{what}");
    let hint = of_host.split_once(advice).expect(&what).1;
    assert!(hint.contains(&format!("run: sops updatekeys {}\n", file.display())), "{what}");
}

#[test]
fn the_wrong_key_of_every_kind_opens_nothing_and_each_file_has_its_report() {
    for kind in KINDS {
        let Some(host) = kind.wrong().ready() else { continue };
        let files: Vec<_> = FORMATS
            .iter()
            .flat_map(|format| [kind.alone(format), kind.mixed(format), kind.groups(format)])
            .collect();
        let said = host.with_files(&files).run_dry();
        assert_eq!(said.code, Some(1), "{kind:?}: {said:?}");
        let reports: Vec<_> = said.err.split("error: cannot decrypt ").skip(1).collect();
        assert_eq!(reports.len(), files.len(), "{kind:?}: {}", said.err);
        for (file, report) in files.iter().zip(reports) {
            check(kind, file, report);
        }
    }
}

#[test]
#[allow(clippy::too_many_lines, reason = "the expected text is long")]
fn the_report_of_each_kind_word_for_word() {
    let mut text = String::new();
    let shortened = |text: String| {
        text.split(' ')
            .map(|word| if word.len() > 1000 { "$RECIPIENT" } else { word })
            .collect::<Vec<_>>()
            .join(" ")
    };
    for kind in KINDS {
        // Without gpg, the report would lack the part about gpg.
        let Some(host) = kind.wrong().ready() else { return };
        let file = kind.alone("yaml");
        let copy = host.world.write("host.yaml", std::fs::read(file).unwrap());
        text += &paragraph(&format!("{kind:?}"), &host.with_files([&copy]).run_dry());
    }
    expect![[r#"
        # Age: 1
        error: cannot decrypt $DIR/host.yaml (needed by secret host.yaml)
          this file can be opened by:
            age  age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u
          this host has:
            age1ckje58egddjgc73tl3uvd3arzmnndgca45npyezu37h8zsz8m9jsdqwf05  from $DIR/keys.txt
          hint: add age1ckje58egddjgc73tl3uvd3arzmnndgca45npyezu37h8zsz8m9jsdqwf05 to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/host.yaml
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because every secret and template failed: host.yaml

        # ConvertedSsh: 1
        error: cannot decrypt $DIR/host.yaml (needed by secret host.yaml)
          this file can be opened by:
            age  age198jnwd90trm6qgtafakwv2z4c3hjevh07rd24dl8mtz4tq39yvdqrgr3sl
          this host has:
            age17hvtvdfj9r7kmw7j53jlgrencp6rag9wqn8epd72u54cw6clx9csjtd6sv  from $DIR/other_ssh_ed25519 (converted)
            ssh-ed25519 SHA256:qWiOc4URHTJIWKh8wKZcLTOzS0IkE1a6sC94ehovJWE  from $DIR/other_ssh_ed25519
          hint: add age17hvtvdfj9r7kmw7j53jlgrencp6rag9wqn8epd72u54cw6clx9csjtd6sv to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/host.yaml
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because every secret and template failed: host.yaml

        # SshEd25519: 1
        error: cannot decrypt $DIR/host.yaml (needed by secret host.yaml)
          this file can be opened by:
            age  ssh-ed25519 SHA256:0Vhpt4I6LFEOul7GvEHzP5kMqMjT6OkILBZ4nQZqdEU
          this host has:
            age17hvtvdfj9r7kmw7j53jlgrencp6rag9wqn8epd72u54cw6clx9csjtd6sv  from $DIR/other_ssh_ed25519 (converted)
            ssh-ed25519 SHA256:qWiOc4URHTJIWKh8wKZcLTOzS0IkE1a6sC94ehovJWE  from $DIR/other_ssh_ed25519
          hint: add age17hvtvdfj9r7kmw7j53jlgrencp6rag9wqn8epd72u54cw6clx9csjtd6sv to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/host.yaml
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because every secret and template failed: host.yaml

        # SshRsa: 1
        error: cannot decrypt $DIR/host.yaml (needed by secret host.yaml)
          this file can be opened by:
            age  ssh-rsa SHA256://6irmPbJEfwu1IQEM42AuWJ5JWTw2NSCaFiEOj4OSA
          this host has:
            ssh-rsa SHA256:XHFpSdkhcTv/x1va9MEFxSHr8qmEWjSuCfNdniN9beg  from $DIR/rsa_2048
          hint: add ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDKEhJUzNpg+N/IgYVYFKVYSeo1yQvjujCqg/4G+FbPyMU/NTXzGDVrhq3fzGltEnZ/41Pl7v2Ll7W7WkvWw3cLYzt/w7/ajw1Qfi7z1/yz9Og5tceeiyGt6NWFY1pq32Nq81Kh/PUOVBZzHcDlUdD1+aJNSP5RtmaLVZEptbIGsUw4mfAVVC4Gb+PKli5jIGPDNUjws+JIU2HW7XCSHMDy7kaA0pkyRP23zSXtiHNwD2Cw+N6qJ81FCWkDuqNnO76yYakkQAeNU4BxkRkmq3fu9uuY9u8BIv+HLubWF/qHzitFgQZrkJJHsYUO8KBErIwgOBTzRGQiWK08os2H/SPX to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/host.yaml
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because every secret and template failed: host.yaml

        # SshRsaAsPgp: 1
        error: cannot decrypt $DIR/host.yaml (needed by secret host.yaml)
          this file can be opened by:
            pgp  FE0883FD102288D8993CABF285850DB4E36EDDFC
          this host has:
            ssh-rsa SHA256:XHFpSdkhcTv/x1va9MEFxSHr8qmEWjSuCfNdniN9beg  from $DIR/rsa_2048
            pgp 4558AB16C12809887F5F838D4981864E7C1308C7  from $DIR/rsa_2048 (converted)
          hint: add ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDKEhJUzNpg+N/IgYVYFKVYSeo1yQvjujCqg/4G+FbPyMU/NTXzGDVrhq3fzGltEnZ/41Pl7v2Ll7W7WkvWw3cLYzt/w7/ajw1Qfi7z1/yz9Og5tceeiyGt6NWFY1pq32Nq81Kh/PUOVBZzHcDlUdD1+aJNSP5RtmaLVZEptbIGsUw4mfAVVC4Gb+PKli5jIGPDNUjws+JIU2HW7XCSHMDy7kaA0pkyRP23zSXtiHNwD2Cw+N6qJ81FCWkDuqNnO76yYakkQAeNU4BxkRkmq3fu9uuY9u8BIv+HLubWF/qHzitFgQZrkJJHsYUO8KBErIwgOBTzRGQiWK08os2H/SPX to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/host.yaml
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because every secret and template failed: host.yaml

        # PgpRsa: 1
        error: cannot decrypt $DIR/host.yaml (needed by secret host.yaml)
          this file can be opened by:
            pgp  6E5FD1E4D065AD59675C75A8C276012957CA5C22  (gpg has no secret key for it)
          this host has:
            gpg, with the keys in $DIR/gnupg
          hint: add a fingerprint that gpg --homedir $DIR/gnupg --list-secret-keys shows to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/host.yaml
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because every secret and template failed: host.yaml

        # PgpCurve25519: 1
        error: cannot decrypt $DIR/host.yaml (needed by secret host.yaml)
          this file can be opened by:
            pgp  F8566BD7816F5A0AFD27E36C6BE268A6D2262945  (gpg has no secret key for it)
          this host has:
            gpg, with the keys in $DIR/gnupg
          hint: add a fingerprint that gpg --homedir $DIR/gnupg --list-secret-keys shows to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/host.yaml
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because every secret and template failed: host.yaml

        # PgpHidden: 1
        error: cannot decrypt $DIR/host.yaml (needed by secret host.yaml)
          this file can be opened by:
            pgp  F8566BD7816F5A0AFD27E36C6BE268A6D2262945  (gpg has no secret key for it)
          this host has:
            gpg, with the keys in $DIR/gnupg
          hint: add a fingerprint that gpg --homedir $DIR/gnupg --list-secret-keys shows to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/host.yaml
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because every secret and template failed: host.yaml

        # Plugin: 1
        error: cannot decrypt $DIR/host.yaml (needed by secret host.yaml)
          this file can be opened by:
            age  age1test1ve5hsar4wfjhxucamjs  (no identity of age-plugin-test fits)
          this host has:
            age-plugin-test  for line 1 of $DIR/keys.txt
          hint: add the recipient of line 1 of $DIR/keys.txt to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/host.yaml
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because every secret and template failed: host.yaml

        # Hybrid: 1
        error: cannot decrypt $DIR/host.yaml (needed by secret host.yaml)
          this file can be opened by:
            age  age1pq1a6esfqqrz7fap…fgh92upe
          this host has:
            age1pq1pcf8vzu4ye49p…wvxhfp6v  from $DIR/keys.txt
          hint: add $RECIPIENT to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/host.yaml
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because every secret and template failed: host.yaml

        # AgeCommand: 1
        error: cannot decrypt $DIR/host.yaml (needed by secret host.yaml)
          this file can be opened by:
            age  age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u
          this host has:
            age1ckje58egddjgc73tl3uvd3arzmnndgca45npyezu37h8zsz8m9jsdqwf05  from SOPS_AGE_KEY_CMD
          hint: add age1ckje58egddjgc73tl3uvd3arzmnndgca45npyezu37h8zsz8m9jsdqwf05 to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/host.yaml
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because every secret and template failed: host.yaml

        # SshCommand: 1
        error: cannot decrypt $DIR/host.yaml (needed by secret host.yaml)
          this file can be opened by:
            age  ssh-ed25519 SHA256:0Vhpt4I6LFEOul7GvEHzP5kMqMjT6OkILBZ4nQZqdEU
          this host has:
            age17hvtvdfj9r7kmw7j53jlgrencp6rag9wqn8epd72u54cw6clx9csjtd6sv  from SOPS_AGE_SSH_PRIVATE_KEY_CMD (converted)
            ssh-ed25519 SHA256:qWiOc4URHTJIWKh8wKZcLTOzS0IkE1a6sC94ehovJWE  from SOPS_AGE_SSH_PRIVATE_KEY_CMD
          hint: add age17hvtvdfj9r7kmw7j53jlgrencp6rag9wqn8epd72u54cw6clx9csjtd6sv to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/host.yaml
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because every secret and template failed: host.yaml

        # SshVariable: 1
        error: cannot decrypt $DIR/host.yaml (needed by secret host.yaml)
          this file can be opened by:
            age  ssh-ed25519 SHA256:0Vhpt4I6LFEOul7GvEHzP5kMqMjT6OkILBZ4nQZqdEU
          this host has:
            age17hvtvdfj9r7kmw7j53jlgrencp6rag9wqn8epd72u54cw6clx9csjtd6sv  from $DIR/ssh (converted)
            ssh-ed25519 SHA256:qWiOc4URHTJIWKh8wKZcLTOzS0IkE1a6sC94ehovJWE  from $DIR/ssh
          hint: add age17hvtvdfj9r7kmw7j53jlgrencp6rag9wqn8epd72u54cw6clx9csjtd6sv to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/host.yaml
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because every secret and template failed: host.yaml

        # Credential: 1
        error: cannot decrypt $DIR/host.yaml (needed by secret host.yaml)
          this file can be opened by:
            age  age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u
          this host has:
            age1ckje58egddjgc73tl3uvd3arzmnndgca45npyezu37h8zsz8m9jsdqwf05  from credential age-key
          hint: add age1ckje58egddjgc73tl3uvd3arzmnndgca45npyezu37h8zsz8m9jsdqwf05 to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/host.yaml
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because every secret and template failed: host.yaml

    "#]].assert_eq(&shortened(text));
}
