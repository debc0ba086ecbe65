//! Tests of what is read from the key sources, and of the messages about the sources.

use super::*;

#[test]
fn comments_empty_lines_indentation_and_carriage_returns_are_tolerated() {
    let host = Host::new();
    let identities = [x25519::Identity::generate(), x25519::Identity::generate()];
    let [first, second] = identities.each_ref().map(secret);
    let text = format!("# created: today\r\n\r\n  # indented\r\n\t{first} \r\n\n{second}");
    let keyring = of_age_file(host.file("key.txt", text));
    assert_eq!(host.notices(&keyring), [""; 0]);
    for identity in &identities {
        assert!(opens(&keyring, vec![entry_for(&identity.to_public())]));
    }
}

#[test]
fn a_malformed_line_is_named_by_its_number_and_spoils_nothing() {
    let host = Host::new();
    let identity = x25519::Identity::generate();
    let mistyped = secret(&x25519::Identity::generate()).replace("KEY-1", "KEY-1QQ");
    let text = format!("# mine\n{mistyped}\n{}\n\u{e9}t\u{e9}\n", secret(&identity));
    let keyring = of_age_file(host.file("key.txt", [text.as_bytes(), b"\xff\xfe\n"].concat()));
    assert!(opens(&keyring, vec![entry_for(&identity.to_public())]));
    assert_eq!(
        host.notices(&keyring),
        [
            "cannot use line 2 of /keys/key.txt: it is not an age identity; correct or remove the line",
            "cannot use line 4 of /keys/key.txt: it is not an age identity; correct or remove the line",
            "cannot use line 5 of /keys/key.txt: it is not an age identity; correct or remove the line",
        ]
    );
}

#[test]
fn no_message_holds_a_piece_of_a_key_file() {
    let host = Host::new();
    let mistyped = secret(&x25519::Identity::generate()).replace("KEY-1", "KEY-1QQ");
    let keyring = of_age_file(host.file("key.txt", format!("{mistyped}\nAGE-PLUGIN-{mistyped}\n")));
    let Err(no_key) = data_key(&keyring, &groups(Vec::new())) else {
        panic!()
    };
    let told = format!(
        "{:?}{:?}{no_key:?}{no_key}{}",
        keyring.notices,
        host.notices(&keyring),
        no_key.report(&run)
    );
    for piece in mistyped.as_bytes().windows(10).skip(14) {
        assert!(!told.contains(str::from_utf8(piece).unwrap()));
    }
}

#[test]
fn beyond_ten_bad_lines_are_counted_only() {
    let host = Host::new();
    let identity = x25519::Identity::generate();
    for (bad, last) in [
        (11, "cannot use /keys/key.txt: 1 more line is not an age identity"),
        (5000, "cannot use /keys/key.txt: 4990 more lines are not age identities"),
    ] {
        let text = format!("{}{}", "bad\n".repeat(bad), secret(&identity));
        let keyring = of_age_file(host.file("key.txt", text));
        let notices = host.notices(&keyring);
        assert_eq!(notices.len(), 11);
        assert_eq!(
            notices[9],
            "cannot use line 10 of /keys/key.txt: it is not an age identity; correct or remove the line"
        );
        assert_eq!(notices[10], last);
        assert!(opens(&keyring, vec![entry_for(&identity.to_public())]));
    }
}

#[test]
fn identities_of_other_kinds_are_told_apart() {
    let host = Host::new();
    let text = "AGE-PLUGIN-YUBIKEY-1QQPSXQQ4QQ\nAGE-SECRET-KEY-PQ-1QQQ\n\
                age1wy42r2p2c67ckywgq8xj7ejf6eykqfu623wktxeh729rtagu4fkqkvsudc\n";
    let keyring = of_age_file(host.file("key.txt", text));
    assert_eq!(
        host.notices(&keyring),
        [
            "cannot use line 1 of /keys/key.txt: it is not an age identity; correct or remove the line",
            "cannot use line 2 of /keys/key.txt: it is not an age identity; correct or remove the line",
            "cannot use line 3 of /keys/key.txt: it is a public age key, which cannot decrypt; write the private key instead, which begins with AGE-SECRET-KEY-1",
        ]
    );
}

#[test]
fn a_file_that_is_no_identity_text_is_called_what_it_is() {
    let host = Host::new();
    let encrypted = "cannot use /keys/key.txt: it is encrypted with a passphrase, and this program never asks for one; \
                     give the path of a decrypted copy; to make one, run: (umask 077; age --decrypt --output /keys/key.txt.txt /keys/key.txt)";
    let ssh = "cannot use /keys/key.txt: it is an SSH key, not an age identity; add this path to sops.age.sshKeyPaths instead";
    let empty = "cannot use /keys/key.txt: it contains no age identity; restore the key; if the file never had one, make a key, and add its public key to .sops.yaml; to make the key, run: age-keygen >> /keys/key.txt";
    for (text, notice) in [
        ("age-encryption.org/v1\n-> scrypt a 18\n", encrypted),
        ("-----BEGIN AGE ENCRYPTED FILE-----\n", encrypted),
        ("\n-----BEGIN OPENSSH PRIVATE KEY-----\n", ssh),
        ("-----BEGIN RSA PRIVATE KEY-----\n", ssh),
        ("", empty),
        ("# nothing\n\n", empty),
    ] {
        assert_eq!(host.notices(&of_age_file(host.file("key.txt", text))), [notice]);
    }
}

#[test]
fn the_variable_holds_identities_apart_by_any_white_space() {
    let identities = [(); 3].map(|()| x25519::Identity::generate());
    let [first, second, third] = identities.each_ref().map(secret);
    let keyring = Keyring::load(&KeySources {
        age_key: Some(Plaintext::from(format!("# a comment\n{first} {second}\tnonsense\n{third}\n"))),
        ..KeySources::default()
    });
    for identity in &identities {
        assert!(opens(&keyring, vec![entry_for(&identity.to_public())]));
    }
    let notices: Vec<_> = keyring.notices.iter().map(ToString::to_string).collect();
    assert_eq!(
        notices,
        ["cannot use line 2 of SOPS_AGE_KEY: it is not an age identity; correct or remove the line"]
    );
}

#[test]
fn a_missing_file_is_told_of_unless_it_is_a_default() {
    let host = Host::new();
    let path = host.path("key.txt");
    assert_eq!(
        host.notices(&of_age_file(&path)),
        [
            "cannot use /keys/key.txt: no such file; restore the file; if it never existed, make a key, and add its public key to .sops.yaml; \
          to make the key, run: mkdir -p /keys && age-keygen -o /keys/key.txt"
        ]
    );
    let default = KeyFile { path, is_default: true };
    let keyring = Keyring::load(&KeySources {
        age_key_files: vec![default],
        ..KeySources::default()
    });
    assert_eq!(keyring.notices, []);
    let Err(no_key) = data_key(&keyring, &groups(Vec::new())) else {
        panic!()
    };
    assert!(
        host.plain(&no_key.report(&run))
            .contains("    (no key)  /keys/key.txt: no such file\n")
    );
}

#[test]
fn only_regular_files_are_read_and_nothing_waits() {
    let host = Host::new();
    fs::create_dir(host.path("directory")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, host.path("fifo"), rustix::fs::Mode::RUSR).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(host.path("socket")).unwrap();
    let file = host.file("file", "");
    for (path, notice) in [
        (
            host.path("directory"),
            "cannot use /keys/directory: it is a directory, not a file; give the path of a key file",
        ),
        (
            host.path("fifo"),
            "cannot use /keys/fifo: it is a fifo, not a file; give the path of a key file",
        ),
        (
            host.path("socket"),
            "cannot use /keys/socket: it is a socket, not a file; give the path of a key file",
        ),
        (
            PathBuf::from("/dev/zero"),
            "cannot use /dev/zero: it is a device, not a file; give the path of a key file",
        ),
        (
            file.join("below"),
            "cannot use /keys/file/below: a part of its path is not a directory; correct the path",
        ),
    ] {
        assert_eq!(host.notices(&of_age_file(&path)), [notice]);
        assert_eq!(host.notices(&of_ssh_key(&path)), [notice]);
    }
}

#[test]
fn a_symbolic_link_is_followed() {
    let host = Host::new();
    let identity = x25519::Identity::generate();
    std::os::unix::fs::symlink(host.file("key.txt", secret(&identity)), host.path("link")).unwrap();
    assert!(opens(&of_age_file(host.path("link")), vec![entry_for(&identity.to_public())]));
}

#[test]
fn a_file_of_too_many_bytes_is_refused_whole() {
    let host = Host::new();
    let path = host.file("key.txt", secret(&x25519::Identity::generate()));
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(16 * 1024 * 1024 + 1).unwrap();
    assert_eq!(
        host.notices(&of_age_file(&path)),
        ["cannot use /keys/key.txt: it is larger than 16 MiB; give the path of a key file"]
    );
    file.set_len(16 * 1024 + 1).unwrap();
    assert_eq!(
        host.notices(&of_ssh_key(&path)),
        ["cannot use /keys/key.txt: it is larger than 16 KiB; give the path of a key file"]
    );
}

#[test]
fn a_file_that_others_may_read_or_write_is_used_with_a_warning() {
    let host = Host::new();
    let identity = x25519::Identity::generate();
    let path = host.file("key.txt", secret(&identity));
    for (mode, what) in [
        (0o644, "has mode 0644, so others can read it"),
        (0o640, "has mode 0640, so its group can read it"),
        (0o620, "has mode 0620, so its group can write to it"),
        (0o660, "has mode 0660, so its group can read and write it"),
        (0o602, "has mode 0602, so others can write to it"),
        (0o646, "has mode 0646, so others can read and write it"),
        (
            0o664,
            "has mode 0664, so its group can read and write it, and others can read it",
        ),
        (0o642, "has mode 0642, so its group can read it, and others can write to it"),
        (0o4666, "has mode 4666, so others can read and write it"),
    ] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let keyring = of_age_file(&path);
        let notice = format!("/keys/key.txt {what}; run: chmod 600 /keys/key.txt");
        assert_eq!(host.notices(&keyring), [notice]);
        assert!(opens(&keyring, vec![entry_for(&identity.to_public())]));
    }
    fs::set_permissions(&path, Permissions::from_mode(0o500)).unwrap();
    assert_eq!(host.notices(&of_age_file(&path)), [""; 0]);
}

#[test]
fn importing_an_ssh_key_is_told_with_its_recipient() {
    let host = Host::new();
    let keyring = of_ssh_key(host.file("id", SSH_KEY));
    assert_eq!(
        host.notices(&keyring),
        [format!("Imported /keys/id as age key with fingerprint {CONVERTED}")]
    );
}

#[test]
fn a_key_behind_a_passphrase_is_named_with_what_to_do() {
    let host = Host::new();
    let notice = "it is protected by a passphrase, and this program never asks for one;";
    let ssh_keygen = "use a key without a passphrase; to remove the passphrase of this key, run: ssh-keygen -p -N '' -f /keys";
    let openssl = "give the path of a decrypted copy; to make one, run: (umask 077; openssl pkey -in /keys/c -out /keys/c.plain)";
    for (name, kind, remedy) in [
        ("a", vec!["-t", "ed25519"], format!("{ssh_keygen}/a")),
        ("b", vec!["-t", "rsa", "-b", "2048", "-m", "PEM"], format!("{ssh_keygen}/b")),
        ("c", vec!["-t", "rsa", "-b", "2048", "-m", "PKCS8"], openssl.to_owned()),
    ] {
        let Some(path) = host.ssh_key(name, &[kind.as_slice(), &["-N", "passphrase"]].concat()) else {
            return;
        };
        assert_eq!(
            host.notices(&of_ssh_key(path)),
            [format!("cannot use /keys/{name}: {notice} {remedy}")]
        );
    }
}

#[test]
fn a_key_of_another_kind_is_named() {
    let host = Host::new();
    for (name, arguments, kind) in [
        ("a", vec!["-t", "ecdsa"], "ecdsa-sha2-nistp256"),
        ("b", vec!["-t", "ecdsa", "-m", "PEM"], "ecdsa"),
        ("c", vec!["-t", "ecdsa", "-m", "PKCS8"], "ecdsa"),
    ] {
        let Some(path) = host.ssh_key(name, &arguments) else {
            return;
        };
        let notice = format!(
            "cannot use /keys/{name}: it is an SSH key of kind {kind}, which age cannot use; use an ssh-ed25519 or ssh-rsa key"
        );
        assert_eq!(host.notices(&of_ssh_key(path)), [notice]);
    }
}

#[test]
fn a_key_on_a_hardware_token_is_named() {
    let host = Host::new();
    let public = ssh_key::public::SkEd25519::new(ssh_key::public::Ed25519PublicKey([1; 32]), "ssh:");
    let pair = ssh_key::private::SkEd25519::new(public, 1, [2; 32]).unwrap();
    let key = ssh_key::PrivateKey::try_from(ssh_key::private::KeypairData::SkEd25519(pair)).unwrap();
    let path = host.file("id", key.to_openssh(ssh_key::LineEnding::LF).unwrap().as_bytes());
    let notice = "cannot use /keys/id: it is an SSH key of kind sk-ssh-ed25519@openssh.com, which can sign but not decrypt; use an ssh-ed25519 or \
         ssh-rsa key";
    assert_eq!(host.notices(&of_ssh_key(path)), [notice]);
}

#[test]
fn a_file_that_is_no_ssh_private_key_is_called_what_it_is() {
    let host = Host::new();
    let public = "cannot use /keys/id: it is a public SSH key; give the path of the private key";
    let none = "cannot use /keys/id: it is not an SSH private key; restore the key, or give the path of another one";
    let identities = "cannot use /keys/id: it contains age identities, not an SSH key; set sops.age.keyFile to this path instead";
    let pgp = "cannot use /keys/id: it is an OpenPGP key; import the key into a GnuPG home, and set sops.gnupg.home to that home";
    let no_end = "cannot use /keys/id: it is a damaged SSH private key: its last line, -----END …-----, is missing; restore the key, or give the path of another one";
    let no_base64 = "cannot use /keys/id: it is a damaged SSH private key: its text is not valid base64; restore the key, or give the path of another one";
    let check = "cannot use /keys/id: it is a damaged SSH private key: its two check numbers differ; restore the key, or give the path of another one";
    let damaged = "cannot use /keys/id: it is a damaged SSH private key: its content does not have the form of a key; restore the key, or give the path of another one";
    let missing = SSH_KEY.replace("BAgMEAQID", "BAgMFAQID");
    let cut = SSH_KEY.replace("-----END", "");
    for (text, notice) in [
        (
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICFrs5OngYGD5FHUaYqr3gAk7NApAuFCL3cVaHLSWRXL root@host\n",
            public,
        ),
        ("", none),
        ("AGE-SECRET-KEY-1QQQ", identities),
        (
            "-----BEGIN PGP PRIVATE KEY BLOCK-----\n-----END PGP PRIVATE KEY BLOCK-----\n",
            pgp,
        ),
        (&cut, no_end),
        (&missing, check),
        (
            "-----BEGIN OPENSSH PRIVATE KEY-----\n!\n-----END OPENSSH PRIVATE KEY-----\n",
            no_base64,
        ),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n",
            damaged,
        ),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", damaged),
    ] {
        assert_eq!(host.notices(&of_ssh_key(host.file("id", text))), [notice], "{text}");
    }
}

#[test]
fn an_ssh_key_whose_lines_end_in_cr_alone_is_called_that() {
    let host = Host::new();
    let keyring = of_ssh_key(host.file("id", SSH_KEY.replace('\n', "\r")));
    assert_eq!(
        host.notices(&keyring),
        [r"cannot use /keys/id: its lines end in CR, not in LF; run: sed -i 's/\r/\n/g' /keys/id"]
    );
}

#[test]
fn the_layout_of_an_ssh_key_file_does_not_matter() {
    let host = Host::new();
    let body: String = SSH_KEY.lines().filter(|line| !line.starts_with('-')).collect();
    let crlf = SSH_KEY.replace('\n', "\r\n");
    let long = format!("\n  -----BEGIN OPENSSH PRIVATE KEY-----\n{body}\n-----END OPENSSH PRIVATE KEY-----");
    for text in [crlf, long] {
        let keyring = of_ssh_key(host.file("id", &text));
        assert!(
            matches!(keyring.notices.as_slice(), [Notice::Imported { .. }]),
            "{text}: {:?}",
            keyring.notices
        );
    }
}

#[test]
fn a_public_key_that_anybody_may_read_is_told_of_as_public_alone() {
    let host = Host::new();
    let path = host.file("id.pub", format!("{OTHER_SSH} admin@desk\n"));
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let expected = "cannot use /keys/id.pub: it is a public SSH key; give the path of the private key";
    assert_eq!(host.notices(&of_ssh_key(path)), [expected]);
}
