//! Tests of why a message stays closed, with the exact words of the messages.

use super::*;

/// The file in which gpg-agent keeps the encryption subkey of the test key.
const KEYGRIP: &str = "6E4FD38A113BB3A4A70988C4304E2296E1B628F9.key";
/// The content of the file [`KEYGRIP`] for a key on a smart card: the public part, and the number of the card.
const KEY_ON_CARD: &str = "Key: (shadowed-private-key (ecc (curve Curve25519)(flags djb-tweak)\n \
    (q #402BD9B3CF7E101C148F24F15ABC9E5213805FFEEA237A27AEEE3633F337030F2D#)\n \
    (shadowed t1-v1 (#D2760001240102000006000000000000# OPENPGP.2))))\n";

#[test]
fn a_message_to_somebody_else_finds_no_secret_key() {
    let Some(home) = GpgHome::with("pgp.asc") else { return };
    for file in ["3.13.2/to-pgp-curve25519.yaml", "3.13.2/to-pgp-hidden.yaml"] {
        assert_eq!(said(home.open(&message_of(file))), "gpg has no secret key for it", "{file}");
    }
}

#[test]
fn a_home_without_keys_finds_no_secret_key() {
    let Some(home) = GpgHome::empty() else { return };
    assert_eq!(
        said(home.open(&message_of("3.13.2/to-pgp.yaml"))),
        "gpg has no secret key for it"
    );
}

#[test]
fn a_damaged_message_is_named_and_nothing_of_it_is_given() {
    let Some(home) = GpgHome::with("pgp_curve25519.asc") else {
        return;
    };
    let message = home.message(&[]);
    let binary = home.gpg(&["--dearmor"], message.as_bytes());
    let armored = |bytes: &[u8]| {
        String::from_utf8(home.gpg(&["--enarmor"], bytes))
            .unwrap()
            .replace("ARMORED FILE", "MESSAGE")
    };
    let mut altered = binary.clone();
    *altered.last_mut().unwrap() ^= 1;
    let cut = &binary[..binary.len() - 30];
    for bytes in [&altered, cut] {
        assert_eq!(
            said(home.open(&armored(bytes))),
            "damaged: a key fits, but the content was altered"
        );
    }
    assert!(home.open(&armored(&binary)).is_ok());
}

#[test]
fn a_message_without_integrity_protection_is_refused() {
    let Some(home) = GpgHome::with("pgp_curve25519.asc") else {
        return;
    };
    let message = home.message(&["--rfc2440"]);
    assert_eq!(
        said(home.open(&message)),
        "refused: the message has no integrity protection, so somebody could have altered it"
    );
    // The message is also refused if the configuration tells gpg to ignore the missing protection.
    home.write("home/gpg.conf", "ignore-mdc-error\n");
    assert_eq!(
        said(home.open(&message)),
        "refused: the message has no integrity protection, so somebody could have altered it"
    );
}

#[test]
fn what_is_no_encrypted_message_is_named() {
    let Some(home) = GpgHome::with("pgp_curve25519.asc") else {
        return;
    };
    let literal = String::from_utf8(home.gpg(&["--armor", "--store"], DATA_KEY)).unwrap();
    let key = String::from_utf8(home.gpg(&["--armor", "--export"], b"")).unwrap();
    for text in [
        "",
        "garbage",
        "-----BEGIN PGP MESSAGE-----\n\n-----END PGP MESSAGE-----\n",
        &literal,
        &key,
    ] {
        assert_eq!(said(home.open(text)), "damaged: not an encrypted OpenPGP message", "{text}");
    }
}

#[test]
fn a_message_with_a_passphrase_of_its_own_is_named() {
    let Some(home) = GpgHome::empty() else { return };
    let arguments = ["--pinentry-mode", "loopback", "--passphrase", "x", "--armor", "--symmetric"];
    let message = String::from_utf8(home.gpg(&arguments, DATA_KEY)).unwrap();
    assert_eq!(said(home.open(&message)), "encrypted with a passphrase, not to a key");
}

#[test]
fn what_is_not_as_long_as_a_part_is_refused() {
    let Some(home) = GpgHome::with("pgp_curve25519.asc") else {
        return;
    };
    let of_length = |length| {
        let arguments = ["--armor", "--encrypt", "--recipient", FINGERPRINT];
        let message = home.gpg(&arguments, &vec![b'x'; length]);
        home.open(&String::from_utf8(message).unwrap())
    };
    for length in [0, 4097] {
        let expected = format!("damaged: its content has {length} bytes, which is not the length of a data key");
        assert_eq!(said(of_length(length)), expected);
    }
    for length in [1, 4096] {
        assert_eq!(of_length(length).unwrap().len(), length);
    }
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let Some(home) = GpgHome::empty() else { return };
    assert_eq!(
        said(home.gpg_of_system("/nowhere/gpg").open("", TIMEOUT)),
        "/nowhere/gpg: no such program; set sops.gnupg.package or SOPS_GPG_EXEC"
    );
    assert_eq!(
        said(home.gpg_of_system("gpg-of-nobody").open("", TIMEOUT)),
        "gpg-of-nobody: no such program in PATH; set sops.gnupg.package or SOPS_GPG_EXEC"
    );
}

#[test]
fn what_is_no_program_in_an_earlier_directory_does_not_hide_gpg() {
    let Some(home) = GpgHome::with("pgp_curve25519.asc") else {
        return;
    };
    let message = home.message(&[]);
    home.write("gpg", "not a program");
    let mut environment = home.environment();
    let mut path = home.0.path().as_os_str().to_owned();
    path.push(":");
    path.push(&environment[0].1);
    environment[0].1 = path;
    let gpg = Gpg::new("gpg".into(), Some(home.path()), false, environment);
    assert!(gpg.open(&message, TIMEOUT).is_ok());
}

#[test]
fn a_home_that_is_not_there_is_named_and_not_made() {
    let Some(home) = GpgHome::empty() else { return };
    let environment = home.environment();
    let path = home.0.path().join(".gnupg");
    for named in [None, Some(path.clone())] {
        let gpg = Gpg::new("gpg".into(), named, false, environment.clone());
        let reason = format!("cannot use the GnuPG home {}: no such file or directory", path.display());
        assert_eq!(said(gpg.open("", TIMEOUT)), reason);
    }
    assert!(!path.exists());
}

#[test]
fn a_home_that_others_may_read_works() {
    let Some(home) = GpgHome::with("pgp_curve25519.asc") else {
        return;
    };
    let message = home.message(&[]);
    home.end_agent();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
    assert!(home.open(&message).is_ok());
}

#[test]
fn root_does_not_obey_a_home_that_is_not_roots_alone() {
    let Some(home) = GpgHome::with("pgp_curve25519.asc") else {
        return;
    };
    if !rustix::process::getuid().is_root() {
        eprintln!("skipped: not root, so no home can be given away");
        return;
    }
    let message = home.message(&[]);
    home.end_agent();
    let path = home.path();
    let refused = |what: &str, why: &str, remedy: &str| {
        let shown = path.display();
        let reason = format!(
            "cannot use the GnuPG home {shown}: {what} {why}, who could use it to run programs as root; run: {remedy} {shown}"
        );
        assert_eq!(said(home.open(&message)), reason);
        assert_eq!(home.agent(), None);
    };
    for name in [
        "",
        "gpg.conf",
        "gpg-agent.conf",
        "common.conf",
        "scdaemon.conf",
        "gpg.conf-2.2",
    ] {
        let (what, file) = if name.is_empty() {
            ("it".to_owned(), path.clone())
        } else {
            (format!("its {name}"), home.write(&format!("home/{name}"), ""))
        };
        let before = fs::metadata(&file).unwrap().permissions();
        std::os::unix::fs::chown(&file, Some(65534), None).unwrap();
        refused(&what, "belongs to the user with uid 65534", "chown -R root:");
        std::os::unix::fs::chown(&file, Some(0), None).unwrap();
        for mode in [0o720, 0o702] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            refused(&what, &format!("can be written by others (mode {mode:04o})"), "chmod -R go-w");
        }
        fs::set_permissions(&file, before).unwrap();
    }
    assert!(home.open(&message).is_ok());
}

#[test]
fn a_user_obeys_a_home_of_their_own_or_of_root_and_no_other() {
    if !rustix::process::getuid().is_root() {
        eprintln!("skipped: not root, so no home can be given away");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let check = |user| home::check(home.path(), rustix::process::Uid::from_raw(user));
    assert_eq!(check(1000), Ok(()));
    std::os::unix::fs::chown(home.path(), Some(1000), Some(1000)).unwrap();
    assert_eq!(check(1000), Ok(()));
    let reason = "it belongs to the user with uid 1000, who could use it to run programs as you; use a home of your own";
    assert_eq!(check(1001).unwrap_err().to_string(), reason);
}

#[test]
fn answers_that_do_not_say_that_the_message_is_whole_are_refused() {
    let Some(home) = GpgHome::empty() else { return };
    let answers = [
        ("", "gpg failed: no reason given"),
        ("echo 'gpg: it is\u{7} raining' >&2", "gpg failed: it is\u{fffd} raining"),
        ("echo '[GNUPG:] DECRYPTION_OKAY' >&2", "gpg failed: no reason given"),
        (
            "echo 'gpg: [GNUPG:] DECRYPTION_OKAY' >&2; echo 'gpg: [GNUPG:] GOODMDC' >&2",
            "gpg failed: [GNUPG:] GOODMDC",
        ),
        (
            "printf '[GNUPG:] %s\\n' DECRYPTION_OKAY GOODMDC >&2; exit 2",
            "gpg failed: no reason given",
        ),
        (
            "printf '[GNUPG:] %s\\n' 'ERROR pkdecrypt_failed x' >&2",
            "gpg failed: no reason given",
        ),
        (
            "printf '[GNUPG:] %s\\n' 'ERROR pkdecrypt_failed 67108976' >&2",
            "gpg finds no smart card; insert the card, and run this again",
        ),
        (
            "printf '[GNUPG:] %s\\n' 'ERROR pkdecrypt_failed 67108994' >&2",
            "the smart card is blocked after too many wrong PINs; to unblock the card, run: gpg --card-edit",
        ),
        (
            "printf '[GNUPG:] %s\\n' 'ERROR pkdecrypt_failed 83886179' >&2",
            "gpg asked for a passphrase or PIN, and got no answer; run this again, and type the passphrase or PIN",
        ),
        ("head -c 20000000 /dev/zero", "its answer is larger than 16 MiB"),
    ];
    for (answer, expected) in answers {
        let program = home.script("gpg", &format!("printf 'a data key'; {answer}"));
        let shown = said(home.gpg_of_system(&program).open("", TIMEOUT));
        assert!(shown.ends_with(expected), "{answer}: {shown}");
    }
    let program = home.script(
        "gpg",
        "printf 'a data key'; printf '[GNUPG:] %s\\n' DECRYPTION_OKAY GOODMDC >&2",
    );
    assert!(
        home.gpg_of_system(&program)
            .open("", TIMEOUT)
            .is_ok_and(|key| key.expose() == b"a data key")
    );
}

#[test]
fn a_key_on_a_card_that_is_not_there_is_named() {
    let Some(home) = GpgHome::with("pgp_curve25519.asc") else {
        return;
    };
    let message = home.message(&[]);
    home.end_agent();
    let path = home.path().join("private-keys-v1.d").join(KEYGRIP);
    fs::write(path, KEY_ON_CARD).unwrap();
    let expected = if home.has_card_daemon() {
        "gpg asks for a passphrase, a PIN or a smart card, but nobody is here to answer; use a key that needs none of these"
    } else {
        "gpg finds no smart card: scdaemon, a part of GnuPG, is not installed; install scdaemon, and run this again"
    };
    assert_eq!(said(home.open(&message)), expected);
}
