//! Key files that give no key, or that others can read.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use expect_test::expect;
use serde_json::json;

use crate::common::{Said, World};
use crate::{dry, paragraph};

/// A dry run that another key makes possible, so that only warnings remain.
fn with_key(world: &World, field: &str, key: &std::path::Path) -> Said {
    let good = fs::read_to_string(crate::common::fixtures().join("keys/age.txt")).unwrap();
    let value = if field == "ageKeyFile" { json!(key) } else { json!([key]) };
    let manifest = world
        .manifest()
        .without("ageKeyFile")
        .with(field, value)
        .secret("s", &world.fixture("text.bin"), "");
    world.run_with(&manifest, |command| {
        command
            .env("NIXOS_ACTION", "dry-activate")
            .env("SOPS_AGE_KEY", good.lines().last().unwrap())
    })
}

#[test]
fn an_ssh_key_that_cannot_be_used_is_a_warning_with_its_cause() {
    let world = World::user();
    let mut text = String::new();
    let ed25519 = fs::read_to_string(world.fixture("keys/ssh_ed25519")).unwrap();
    let lines: Vec<_> = ed25519.lines().collect();
    let damaged = ed25519.replacen(lines[3], &lines[3][8..], 1);
    for (what, path) in [
        ("with a passphrase", world.fixture("keys/ssh_passphrase")),
        ("ecdsa", world.fixture("keys/ssh_ecdsa")),
        ("public", world.fixture("keys/ssh_ed25519.pub")),
        ("an age identity", world.fixture("keys/age.txt")),
        ("damaged", world.write("damaged", damaged)),
        ("cut off", world.write("cut", &ed25519[..ed25519.len() / 2])),
        ("empty", world.write("empty", "")),
        ("missing", world.input("absent")),
        ("a directory", world.input("home")),
        ("too large", world.write("large", vec![b'x'; 100_000])),
    ] {
        text += &paragraph(what, &with_key(&world, "ageSshKeyPaths", &path));
    }
    expect![[r#"
        # with a passphrase: 0
        warning: cannot use $DIR/ssh_passphrase: protected by a passphrase, which nobody is asked for; use a key without one, or remove it, run: ssh-keygen -p -N '' -f $DIR/ssh_passphrase

        # ecdsa: 0
        warning: cannot use $DIR/ssh_ecdsa: an SSH key of kind ecdsa-sha2-nistp256; age knows ssh-ed25519 and ssh-rsa

        # public: 0
        warning: cannot use $DIR/ssh_ed25519.pub: a public SSH key; name the private key that belongs to it

        # an age identity: 0
        warning: cannot use $DIR/age.txt: age identities, not an SSH key; name it as sops.age.keyFile

        # damaged: 0
        warning: cannot use $DIR/damaged: a damaged SSH private key: it ends too early; restore it, or name another key

        # cut off: 0
        warning: cannot use $DIR/cut: a damaged SSH private key: its last line, -----END …-----, is missing; restore it, or name another key

        # empty: 0
        warning: cannot use $DIR/empty: not an SSH private key; restore it, or name another key

        # missing: 0
        warning: cannot use $DIR/absent: no such file; restore or mount it, or if there never was one, run: mkdir -p $DIR && ssh-keygen -q -t ed25519 -N '' -f $DIR/absent

        # a directory: 0
        warning: cannot use $DIR/home: a directory, not a regular file

        # too large: 0
        warning: cannot use $DIR/large: larger than 16 KiB

    "#]].assert_eq(&text);
}

/// A PEM block with no matter what in it.
fn block(label: &str) -> String {
    format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n")
}

/// A key in the form of OpenSSH, as far as one that is not ours is read.
fn openssh(kind: &str) -> String {
    let string = |text: &[u8]| [&u32::try_from(text.len()).unwrap().to_be_bytes(), text].concat();
    let name = string(kind.as_bytes());
    let bytes = [
        b"openssh-key-v1\0".to_vec(),
        string(b"none"),
        string(b"none"),
        string(b""),
        vec![0, 0, 0, 1],
        string(&name),
    ];
    let body = BASE64_STANDARD.encode(bytes.concat());
    block("OPENSSH PRIVATE KEY").replace("AAAA", &body)
}

#[test]
fn a_key_of_another_kind_is_named() {
    let world = World::user();
    let pkcs8 = |oid: &[u8]| {
        let algorithm = [
            &[
                0x30,
                2 + u8::try_from(oid.len()).unwrap(),
                6,
                u8::try_from(oid.len()).unwrap(),
            ],
            oid,
        ]
        .concat();
        let inner = [&[2, 1, 0], algorithm.as_slice(), &[4, 1, 0]].concat();
        let der = [&[0x30, u8::try_from(inner.len()).unwrap()], inner.as_slice()].concat();
        block("PRIVATE KEY").replace("AAAA", &BASE64_STANDARD.encode(der))
    };
    let dropbear = b"\0\0\0\x13ecdsa-sha2-nistp256\0\0\0\x08nistp256".as_slice();
    let age = fs::read(world.fixture("keys/age.txt")).unwrap();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("in a security key", openssh("sk-ssh-ed25519@openssh.com").into()),
        ("in another one", openssh("sk-ecdsa-sha2-nistp256@openssh.com").into()),
        ("DSA", openssh("ssh-dss").into()),
        (
            "ECDSA of PuTTY",
            "PuTTY-User-Key-File-3: ecdsa-sha2-nistp256\r\nEncryption: none\r\n".into(),
        ),
        ("ECDSA of Dropbear", dropbear.into()),
        ("ECDSA in PEM", block("EC PRIVATE KEY").into()),
        ("DSA in PEM", block("DSA PRIVATE KEY").into()),
        ("ECDSA in PKCS#8", pkcs8(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1]).into()),
        ("Ed448 in PKCS#8", pkcs8(&[0x2b, 0x65, 0x71]).into()),
        ("of the first version", "SSH PRIVATE KEY FILE FORMAT 1.1\n\0\0\0\0".into()),
        ("a public one, ECDSA", "ecdsa-sha2-nistp256 AAAAE2VjZHNh me@here\n".into()),
        ("a public one in PEM", block("PUBLIC KEY").into()),
        (
            "a public one of ssh.com",
            "---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----\n".into(),
        ),
        (
            "a certificate",
            "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1l me@here\n".into(),
        ),
        ("another certificate", block("CERTIFICATE").into()),
        ("OpenPGP", fs::read(world.fixture("keys/pgp.asc")).unwrap()),
        ("age identities", age),
        ("something else", "hello\n".into()),
    ];
    let mut text = String::new();
    for (what, key) in cases {
        let path = world.write("it's mine", key);
        text += &paragraph(what, &with_key(&world, "ageSshKeyPaths", &path));
    }
    for (what, key) in [
        (
            "for age: a key of PuTTY",
            "PuTTY-User-Key-File-3: ssh-ed25519\r\nEncryption: none\r\n".to_owned(),
        ),
        ("for age: an SSH key in PKCS#8", block("PRIVATE KEY")),
        ("for age: OpenPGP", block("PGP PRIVATE KEY BLOCK")),
        (
            "for age: a public SSH key",
            "# mine\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5 me@here\n".to_owned(),
        ),
    ] {
        let path = world.write("keys.txt", key);
        text += &paragraph(what, &with_key(&world, "ageKeyFile", &path));
    }
    expect![[r#"
        # in a security key: 0
        warning: cannot use $DIR/it's mine: an SSH key of kind sk-ssh-ed25519@openssh.com, which stays in a security key and only signs; age knows ssh-ed25519 and ssh-rsa

        # in another one: 0
        warning: cannot use $DIR/it's mine: an SSH key of kind sk-ecdsa-sha2-nistp256@openssh.com, which stays in a security key and only signs; age knows ssh-ed25519 and ssh-rsa

        # DSA: 0
        warning: cannot use $DIR/it's mine: an SSH key of kind ssh-dss; age knows ssh-ed25519 and ssh-rsa

        # ECDSA of PuTTY: 0
        warning: cannot use $DIR/it's mine: an SSH key of kind ecdsa-sha2-nistp256; age knows ssh-ed25519 and ssh-rsa

        # ECDSA of Dropbear: 0
        warning: cannot use $DIR/it's mine: an SSH key of kind ecdsa-sha2-nistp256; age knows ssh-ed25519 and ssh-rsa

        # ECDSA in PEM: 0
        warning: cannot use $DIR/it's mine: an SSH key of kind ecdsa; age knows ssh-ed25519 and ssh-rsa

        # DSA in PEM: 0
        warning: cannot use $DIR/it's mine: an SSH key of kind ssh-dss; age knows ssh-ed25519 and ssh-rsa

        # ECDSA in PKCS#8: 0
        warning: cannot use $DIR/it's mine: an SSH key of kind ecdsa; age knows ssh-ed25519 and ssh-rsa

        # Ed448 in PKCS#8: 0
        warning: cannot use $DIR/it's mine: an SSH key of kind ed448; age knows ssh-ed25519 and ssh-rsa

        # of the first version: 0
        warning: cannot use $DIR/it's mine: a key of the first version of SSH, which age does not know

        # a public one, ECDSA: 0
        warning: cannot use $DIR/it's mine: a public SSH key; name the private key that belongs to it

        # a public one in PEM: 0
        warning: cannot use $DIR/it's mine: a public SSH key; name the private key that belongs to it

        # a public one of ssh.com: 0
        warning: cannot use $DIR/it's mine: a public SSH key; name the private key that belongs to it

        # a certificate: 0
        warning: cannot use $DIR/it's mine: a certificate, not an SSH private key; name the private key that belongs to it

        # another certificate: 0
        warning: cannot use $DIR/it's mine: a certificate, not an SSH private key; name the private key that belongs to it

        # OpenPGP: 0
        warning: cannot use $DIR/it's mine: an OpenPGP key; import it into a GnuPG home, and name that as sops.gnupg.home

        # age identities: 0
        warning: cannot use $DIR/it's mine: age identities, not an SSH key; name it as sops.age.keyFile

        # something else: 0
        warning: cannot use $DIR/it's mine: not an SSH private key; restore it, or name another key

        # for age: a key of PuTTY: 0
        warning: cannot use $DIR/keys.txt: an SSH key in the form of PuTTY; convert it and name the result, run: puttygen $DIR/keys.txt -O private-openssh-new --new-passphrase /dev/null -o $DIR/keys.txt.openssh

        # for age: an SSH key in PKCS#8: 0
        warning: cannot use $DIR/keys.txt: an SSH key, not age identities; name it among the SSH keys for age

        # for age: OpenPGP: 0
        warning: cannot use $DIR/keys.txt: an OpenPGP key; import it into a GnuPG home, and name that as sops.gnupg.home

        # for age: a public SSH key: 0
        warning: cannot use line 2 of $DIR/keys.txt: a public SSH key; name the private key that belongs to it

    "#]].assert_eq(&text);
}

#[test]
fn a_malformed_line_is_reported_by_number_and_does_not_spoil_the_other_identities() {
    let world = World::user();
    let (good, other) = ["age.txt", "other-age.txt"]
        .map(|name| fs::read_to_string(crate::common::fixtures().join("keys").join(name)).unwrap())
        .into();
    let identity = good.lines().last().unwrap();
    let key = world.write(
        "keys.txt",
        format!(
            "# comment\n\nnot a key\n{}\n{identity}x\n{identity}\nage1xyz\n",
            other.lines().last().unwrap()
        ),
    );
    let manifest = world
        .manifest()
        .with("ageKeyFile", json!(key))
        .secret("s", &world.fixture("text.bin"), "")
        .secret("t", &world.fixture("to-other.yaml"), "database/host");
    let said = dry(&world, &manifest);
    assert_eq!(said.code, Some(0), "{said:?}");
    expect![[r#"
        # three bad lines: 0
        warning: cannot use line 3 of $DIR/keys.txt: not an age identity
        warning: cannot use line 5 of $DIR/keys.txt: not an age identity
        warning: cannot use line 7 of $DIR/keys.txt: an age recipient, the public half of a key, where the identity is needed

    "#]]
    .assert_eq(&paragraph("three bad lines", &said));
}

#[test]
fn an_identity_file_that_cannot_be_used_is_a_warning_with_its_cause() {
    let world = World::user();
    let mut text = String::new();
    let good = fs::read_to_string(world.fixture("keys/age.txt")).unwrap();
    let dangling = world.input("dangling");
    std::os::unix::fs::symlink("nothing", &dangling).unwrap();
    let closed = world.write("closed", "");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    for (what, path) in [
        ("only comments", world.write("comments", "# nothing\n")),
        ("empty", world.write("empty", "")),
        (
            "a recipient",
            world.write("recipient", good.lines().nth(2).unwrap().trim_start_matches("# public key: ")),
        ),
        ("an SSH key", world.fixture("keys/ssh_ed25519")),
        (
            "a broken identity of a plugin",
            world.write("plugin", "AGE-PLUGIN-YUBIKEY-1QQQQ\n"),
        ),
        (
            "a broken post-quantum identity",
            world.write("pq", "AGE-SECRET-KEY-PQ-1QQQQ\n"),
        ),
        (
            "encrypted",
            world.write("encrypted", "-----BEGIN AGE ENCRYPTED FILE-----\nxxx\n"),
        ),
        ("many bad lines", world.write("bad", "x\n".repeat(14))),
        ("missing", world.input("absent")),
        ("at the end of a link that leads nowhere", dangling),
        ("closed", closed),
    ] {
        text += &paragraph(what, &with_key(&world, "ageKeyFile", &path));
    }
    expect![[r#"
        # only comments: 0
        warning: cannot use $DIR/comments: holds no age identity; restore it, or if there never was a key in it, run: age-keygen >> $DIR/comments

        # empty: 0
        warning: cannot use $DIR/empty: holds no age identity; restore it, or if there never was a key in it, run: age-keygen >> $DIR/empty

        # a recipient: 0
        warning: cannot use line 1 of $DIR/recipient: an age recipient, the public half of a key, where the identity is needed

        # an SSH key: 0
        warning: cannot use $DIR/ssh_ed25519: an SSH key, not age identities; name it among the SSH keys for age

        # a broken identity of a plugin: 0
        warning: cannot use line 1 of $DIR/plugin: not an age identity

        # a broken post-quantum identity: 0
        warning: cannot use line 1 of $DIR/pq: not an age identity

        # encrypted: 0
        warning: cannot use $DIR/encrypted: age identities behind a passphrase, which nobody is asked for; decrypt it and name the result, run: (umask 077; age --decrypt --output $DIR/encrypted.txt $DIR/encrypted)

        # many bad lines: 0
        warning: cannot use line 1 of $DIR/bad: not an age identity
        warning: cannot use line 2 of $DIR/bad: not an age identity
        warning: cannot use line 3 of $DIR/bad: not an age identity
        warning: cannot use line 4 of $DIR/bad: not an age identity
        warning: cannot use line 5 of $DIR/bad: not an age identity
        warning: cannot use line 6 of $DIR/bad: not an age identity
        warning: cannot use line 7 of $DIR/bad: not an age identity
        warning: cannot use line 8 of $DIR/bad: not an age identity
        warning: cannot use line 9 of $DIR/bad: not an age identity
        warning: cannot use line 10 of $DIR/bad: not an age identity
        warning: cannot use $DIR/bad: 4 more lines that are not age identities

        # missing: 0
        warning: cannot use $DIR/absent: no such file; restore or mount it, or if there never was one, run: mkdir -p $DIR && age-keygen -o $DIR/absent

        # at the end of a link that leads nowhere: 0
        warning: cannot use $DIR/dangling: a symlink that leads to no file; restore what it leads to, or mount where that lies

        # closed: 0
        warning: cannot use $DIR/closed: permission denied; let its owner give you the right to read it, or name a key of your own

    "#]]
    .assert_eq(&text);
}

#[test]
fn the_variables_are_reported_by_name() {
    let world = World::user();
    let manifest = world.manifest().secret("s", &world.fixture("text.bin"), "");
    let with = |name: &str, value: &str| {
        paragraph(
            name,
            &world.run_with(&manifest, |command| {
                command.env("NIXOS_ACTION", "dry-activate").env(name, value)
            }),
        )
    };
    let text = [
        with("SOPS_AGE_KEY", "nothing"),
        with("SOPS_AGE_KEY", ""),
        with("SOPS_AGE_KEY_FILE", "/absent/key.txt"),
    ]
    .concat();
    expect![[r#"
        # SOPS_AGE_KEY: 0
        warning: cannot use line 1 of SOPS_AGE_KEY: not an age identity

        # SOPS_AGE_KEY: 0
        warning: cannot use SOPS_AGE_KEY: holds no age identity

        # SOPS_AGE_KEY_FILE: 0
        warning: cannot use /absent/key.txt: no such file; restore or mount it, or if there never was one, run: mkdir -p /absent && age-keygen -o /absent/key.txt

    "#]]
    .assert_eq(&text);
}

#[test]
fn a_key_file_that_others_can_read_or_write_gets_a_warning_that_names_its_mode() {
    let world = World::user();
    let mut text = String::new();
    for mode in [0o600, 0o400, 0o640, 0o644, 0o620, 0o606, 0o666] {
        // Not the name of the key that every manifest has.
        let key = world.fixture("keys/other-age.txt");
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        text += &paragraph(&format!("{mode:04o}"), &with_key(&world, "ageKeyFile", &key));
    }
    let key = world.fixture("keys/ssh_ed25519");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o664)).unwrap();
    text += &paragraph("an SSH key", &with_key(&world, "ageSshKeyPaths", &key));
    expect![[r#"
        # 0600: 0

        # 0400: 0

        # 0640: 0
        warning: $DIR/other-age.txt: mode 0640 lets its group read it; run: chmod 600 $DIR/other-age.txt

        # 0644: 0
        warning: $DIR/other-age.txt: mode 0644 lets others read it; run: chmod 600 $DIR/other-age.txt

        # 0620: 0
        warning: $DIR/other-age.txt: mode 0620 lets its group write it; run: chmod 600 $DIR/other-age.txt

        # 0606: 0
        warning: $DIR/other-age.txt: mode 0606 lets others read and write it; run: chmod 600 $DIR/other-age.txt

        # 0666: 0
        warning: $DIR/other-age.txt: mode 0666 lets others read and write it; run: chmod 600 $DIR/other-age.txt

        # an SSH key: 0
        warning: $DIR/ssh_ed25519: mode 0664 lets others read and write it; run: chmod 600 $DIR/ssh_ed25519
        sops-install-secrets: Imported $DIR/ssh_ed25519 as age key with fingerprint age198jnwd90trm6qgtafakwv2z4c3hjevh07rd24dl8mtz4tq39yvdqrgr3sl

    "#]].assert_eq(&text);
}
