//! Tests of the report on a file that stays closed, with the exact words.

use super::*;

/// The report on a file that is closed to this keyring.
fn report(host: &Host, keyring: &Keyring, groups: &KeyGroups) -> String {
    let Err(no_key) = data_key(keyring, groups) else {
        panic!("opened")
    };
    host.plain(&no_key.report(&run))
}

fn pgp(fingerprint: &str) -> MasterKey {
    MasterKey::Pgp {
        fingerprint: fingerprint.to_owned(),
        encrypted: String::new(),
    }
}

fn remote(service: Service, name: &str) -> MasterKey {
    let (name, enc) = (name.to_owned(), String::new());
    MasterKey::Remote(match service {
        Service::AwsKms => RemoteKey::Kms {
            arn: name,
            role: String::new(),
            context: BTreeMap::new(),
            aws_profile: String::new(),
            enc,
        },
        Service::HashicorpVault => RemoteKey::HcVault {
            vault_address: name,
            engine_path: "transit".to_owned(),
            key_name: "sops".to_owned(),
            enc,
        },
        Service::AzureKeyVault => RemoteKey::AzureKv {
            vault_url: name,
            name: "sops".to_owned(),
            version: String::new(),
            enc,
        },
        Service::HuaweiKms => RemoteKey::Hckms { key_id: name, enc },
        _ => RemoteKey::GcpKms { resource_id: name, enc },
    })
}

#[test]
fn the_report_sets_recipients_against_identities() {
    let host = Host::new();
    let stranger = x25519::Identity::generate().to_public();
    let ssh = format!("{OTHER_SSH} admin@desk");
    let keyring = Keyring::load(&KeySources {
        ssh_keys: vec![ssh_named(host.file("ssh_host_ed25519_key", SSH_KEY))],
        age_key_files: vec![named(host.path("key.txt"))],
        ..KeySources::default()
    });
    let keys = vec![
        entry_for(&stranger),
        entry(&ssh, message(&[&stranger], DATA_KEY)),
        pgp("7FB89715AADA920D65D25E63F9BA9DEBD03F57C0"),
        remote(Service::AwsKms, "arn:aws:kms:eu-west-1:1:key/2"),
    ];
    assert_eq!(
        report(&host, &keyring, &groups(keys)),
        format!(
            "  this file can be opened by:\n    \
                 age  {stranger}\n    \
                 age  ssh-ed25519 {OTHER_FINGERPRINT}\n    \
                 pgp  7FB89715AADA920D65D25E63F9BA9DEBD03F57C0\n    \
                 AWS KMS  arn:aws:kms:eu-west-1:1:key/2  (not asked)\n  \
               this host has:\n    \
                 {CONVERTED}  from /keys/ssh_host_ed25519_key (converted)\n    \
                 ssh-ed25519 {SSH_FINGERPRINT}  from /keys/ssh_host_ed25519_key\n    \
                 (no key)  /keys/key.txt: no such file\n  \
               hint: repair the fault named above, or add {CONVERTED} to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys secrets/db.yaml\n"
        )
    );
}

#[test]
fn a_host_without_keys_is_told_how_to_get_one() {
    let host = Host::new();
    let stranger = x25519::Identity::generate().to_public();
    assert_eq!(
        report(
            &host,
            &Keyring::load(&KeySources::default()),
            &groups(vec![entry_for(&stranger)])
        ),
        format!(
            "  this file can be opened by:\n    \
                 age  {stranger}\n  \
               this host has no key: no source of keys is set\n  \
               hint: give this host a key: set sops.age.sshKeyPaths to its SSH host key, or sops.age.keyFile to a file made by age-keygen\n"
        )
    );
}

#[test]
fn a_host_with_an_rsa_key_alone_is_given_that_to_paste() {
    let host = Host::new();
    let Some(path) = host.ssh_key("id", &["-t", "rsa", "-b", "2048"]) else {
        return;
    };
    let public = fs::read_to_string(path.with_extension("pub")).unwrap();
    let public = public.trim().strip_suffix(" a comment").unwrap().to_owned();
    let report = report(
        &host,
        &of_ssh_key(path),
        &groups(vec![entry_for(&x25519::Identity::generate().to_public())]),
    );
    assert!(
        report.ends_with(&format!(
            "  hint: add {public} to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys secrets/db.yaml\n"
        )),
        "{report}"
    );
}

#[test]
fn a_damaged_part_for_a_key_of_this_host_is_not_mended_by_updatekeys() {
    let host = Host::new();
    let identity = x25519::Identity::generate();
    let own = identity.to_public();
    let keyring = of_age_file(host.file("key.txt", secret(&identity)));
    let damaged = changed(&message(&[&own], DATA_KEY), |bytes| {
        *bytes.last_mut().unwrap() ^= 1;
    });
    assert_eq!(
        report(&host, &keyring, &groups(vec![entry(&own.to_string(), damaged)])),
        format!(
            "  this file can be opened by:\n    \
                 age  {own}  (damaged: a key of this host fits, but the content was altered)\n  \
               this host has:\n    \
                 {own}  from /keys/key.txt\n  \
               hint: this host has the key {own}, but the entry for this key in the file is damaged: restore the file from version control; \
               or instead, if you have another key that opens the file, run: sops rotate --in-place secrets/db.yaml\n"
        )
    );
}

#[test]
fn an_ssh_recipient_is_known_whatever_its_comment() {
    let host = Host::new();
    let public = ssh_key::PrivateKey::from_openssh(SSH_KEY)
        .unwrap()
        .public_key()
        .to_openssh()
        .unwrap();
    let own = public.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    let stranger = message(&[&x25519::Identity::generate().to_public()], DATA_KEY);
    let keyring = of_ssh_key(host.file("id", SSH_KEY));
    for name in [own.clone(), format!("{own} root@host"), format!(" {own}  old name ")] {
        let report = report(&host, &keyring, &groups(vec![entry(&name, stranger.clone())]));
        let line = format!("    age  ssh-ed25519 {SSH_FINGERPRINT}  (damaged: not encrypted to this recipient)\n");
        assert!(report.contains(&line), "{report}");
    }
}

#[test]
fn a_file_that_only_other_kinds_of_keys_could_open_says_so() {
    let host = Host::new();
    let stranger = message(&[&x25519::Identity::generate().to_public()], DATA_KEY);
    let keyring = Keyring::load(&KeySources::default());
    for (keys, kinds) in [
        (vec![remote(Service::AwsKms, "arn")], "AWS KMS"),
        (vec![remote(Service::GcpKms, "projects/x")], "Google Cloud KMS"),
        (vec![remote(Service::AzureKeyVault, "https://v")], "Azure Key Vault"),
        (vec![remote(Service::HashicorpVault, "https://v")], "HashiCorp Vault"),
        (vec![remote(Service::HuaweiKms, "id")], "Huawei Cloud KMS"),
        (
            vec![
                remote(Service::AwsKms, "a"),
                remote(Service::HuaweiKms, "b"),
                remote(Service::AwsKms, "c"),
            ],
            "AWS KMS or Huawei Cloud KMS",
        ),
    ] {
        let Err(no_key) = data_key(&keyring, &groups(keys)) else {
            panic!()
        };
        let sentence = format!("only {kinds} could open this file, but this host is not set up to ask a key service");
        assert_eq!(no_key.to_string(), sentence);
        assert!(host.plain(&no_key.report(&run)).starts_with(&format!("  {sentence}\n    ")));
    }
    let hint = |keys| {
        let report = report(&host, &keyring, &groups(keys));
        report.lines().last().unwrap().to_owned()
    };
    assert_eq!(
        hint(vec![remote(Service::AwsKms, "a"), remote(Service::AzureKeyVault, "b")]),
        "  hint: set sops.keyServices.enable to true, so that this host asks AWS KMS or Azure Key Vault"
    );
    let Err(no_key) = data_key(&keyring, &groups(vec![pgp("AB"), entry(CONVERTED, stranger)])) else {
        panic!()
    };
    assert_eq!(no_key.to_string(), "no key of this host opens this file");
}

#[test]
fn key_groups_are_explained() {
    let host = Host::new();
    let identity = x25519::Identity::generate();
    let own = identity.to_public();
    let keyring = of_age_file(host.file("key.txt", secret(&identity)));
    let group = |keys| KeyGroup { keys };
    let share = entry(&own.to_string(), message(&[&own], &[7; 33]));
    let mut file = KeyGroups {
        groups: vec![group(vec![share.clone()]), group(vec![pgp("AB")]), group(Vec::new())],
        threshold: 2,
    };
    assert_eq!(
        report(&host, &keyring, &file),
        format!(
            "  this file needs 2 of 3 key groups; this host opens 1: group 1\n    \
                 group 1  (open)\n      \
                   age  {own}\n    \
                 group 2\n      \
                   pgp  AB\n    \
                 group 3\n  \
               this host has:\n    \
                 {own}  from /keys/key.txt\n  \
               hint: in .sops.yaml, add {own} to a key group that this host cannot open, and in the directory of .sops.yaml run: sops updatekeys secrets/db.yaml\n"
        )
    );
    file.groups.remove(0);
    assert!(report(&host, &keyring, &file).starts_with("  this file needs 2 of 2 key groups; this host opens none\n"));
    file.groups = vec![group(vec![share.clone()]), group(vec![share])];
    let report = report(&host, &keyring, &file);
    assert!(
        report.starts_with("  this file needs 2 of 2 key groups; this host opens 2: group 1, group 2\n"),
        "{report}"
    );
    let hint =
        "  hint: the open key groups do not belong together, so they give no data key: restore the file from version control\n";
    assert!(report.ends_with(hint), "{report}");
}

#[test]
fn of_very_many_recipients_the_first_are_shown_and_those_of_which_there_is_something_to_tell() {
    let host = Host::new();
    let mut keys: Vec<_> = (0..100).map(|number| pgp(&format!("P{number}"))).collect();
    keys.push(remote(Service::AwsKms, "arn"));
    let report = report(&host, &Keyring::load(&KeySources::default()), &groups(keys));
    let end = "    pgp  P28\n    pgp  P29\n    AWS KMS  arn  (not asked)\n    and 70 more\n  this host";
    assert!(report.contains(end), "{report}");
}

#[test]
fn one_group_opens_whatever_the_threshold() {
    let host = Host::new();
    let identity = x25519::Identity::generate();
    let keyring = of_age_file(host.file("key.txt", secret(&identity)));
    let file = KeyGroups {
        threshold: 2,
        ..groups(vec![entry_for(&identity.to_public())])
    };
    assert!(data_key(&keyring, &file).is_ok());
}

#[test]
fn a_file_without_keys_says_so() {
    let host = Host::new();
    let keyring = Keyring::load(&KeySources::default());
    assert!(report(&host, &keyring, &groups(Vec::new())).starts_with("  this file names no key that could open it\n  this host"));
}

#[test]
fn names_that_a_file_chose_cannot_disturb_the_terminal() {
    let host = Host::new();
    let name = format!("\u{1b}[2Jx\n{}", "y".repeat(1000));
    let report = report(&host, &Keyring::load(&KeySources::default()), &groups(vec![pgp(&name)]));
    let shown = format!("    pgp  \u{fffd}[2Jx\u{fffd}{}…\n", "y".repeat(194));
    assert!(report.contains(&shown), "{report}");
}

#[test]
fn a_key_that_only_came_too_late_does_not_take_the_place_of_the_remedy_of_another_one() {
    let host = Host::new();
    let stranger = x25519::Identity::generate().to_public();
    let late = |cause| Problem {
        place: Place::File(host.path("slow")),
        cause: Cause::File(cause),
    };
    for (cause, words) in [
        (
            ReadError::Late,
            "its disk or network does not answer; move it to a local disk",
        ),
        (ReadError::Stopped, "this run was told to end; run this again"),
    ] {
        let mut keyring = of_age_file(host.file("key.txt", "# no key"));
        keyring.problems.insert(0, late(cause.clone()));
        let told = report(&host, &keyring, &groups(vec![entry_for(&stranger)]));
        let hint = "repair /keys/key.txt: restore the key; if the file never had one, make a key, and add its public key to .sops.yaml; to make the key, run: age-keygen >> /keys/key.txt";
        assert_eq!(
            told,
            format!(
                "  this file can be opened by:\n    \
                     age  {stranger}\n  \
                   this host has:\n    \
                     (no key)  /keys/slow: {words}\n    \
                     (no key)  /keys/key.txt: it contains no age identity\n  \
                   hint: {hint}\n"
            )
        );
        keyring.problems.truncate(1);
        let told = report(&host, &keyring, &groups(vec![entry_for(&stranger)]));
        assert!(told.ends_with("\n  hint: repair the fault named above\n"), "{told}");
    }
}
