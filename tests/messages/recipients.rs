//! Files that no key of the host opens.

use expect_test::expect;
use serde_json::json;

use crate::common::{Manifest, World};
use crate::{dry, paragraph};

/// A manifest with this key file and these SSH keys, and a secret of the fixture.
fn manifest(world: &World, age: Option<&str>, ssh: &[&str], file: &str, key: &str) -> Manifest {
    let ssh: Vec<_> = ssh.iter().map(|name| world.fixture(&format!("keys/{name}"))).collect();
    let manifest = world
        .manifest()
        .without("ageKeyFile")
        .without("logging")
        .with("ageSshKeyPaths", json!(ssh))
        .secret("s", &world.fixture(file), key);
    match age {
        Some(name) => manifest.with("ageKeyFile", json!(world.fixture(&format!("keys/{name}")))),
        None => manifest,
    }
}

#[test]
fn the_report_sets_recipients_against_identities_and_says_what_to_type() {
    let world = World::user();
    let says = |what: &str, manifest: &Manifest| paragraph(what, &dry(&world, manifest));
    let key = "database/host";
    let mut text = says(
        "another age key",
        &manifest(&world, Some("age.txt"), &[], "to-other.yaml", key),
    );
    text += &says(
        "SSH keys",
        &manifest(&world, None, &["ssh_ed25519", "ssh_rsa"], "to-other.yaml", key),
    );
    text += &says(
        "all keys",
        &manifest(&world, Some("age.txt"), &["ssh_ed25519", "ssh_rsa"], "to-other.yaml", key),
    );
    text += &says("many recipients", &manifest(&world, None, &["ssh_rsa"], "to-many.yaml", key));
    text += &says(
        "native recipients",
        &manifest(&world, Some("age.txt"), &[], "to-native-both.yaml", key),
    );
    text += &says("no key at all", &manifest(&world, None, &[], "to-other.yaml", key));
    let odd = world.write("it's odd.yaml", std::fs::read(world.fixture("to-other.yaml")).unwrap());
    text += &says(
        "a file that a shell would not take as it is",
        &manifest(&world, None, &[], "to-other.yaml", key).secret("odd", &odd, key),
    );
    let missing = manifest(&world, None, &[], "to-other.yaml", key)
        .with("ageKeyFile", json!(world.input("absent.txt")))
        .with("sshKeyPaths", json!(["/etc/ssh/ssh_host_rsa_key_that_is_not_there"]));
    text += &says("keys that are not there", &missing);
    let host_keys = ["/etc/ssh/not_there_rsa_key", "/etc/ssh/not_there_ed25519_key"];
    let missing = manifest(&world, None, &[], "to-other.yaml", key).with("ageSshKeyPaths", json!(host_keys));
    text += &says("host keys that are not there", &missing);
    let many = (0..12).fold(
        manifest(&world, Some("age.txt"), &[], "to-other.yaml", key),
        |manifest, number| manifest.secret(&format!("s{number}"), &world.fixture("to-other.yaml"), key),
    );
    text += &says("many secrets", &many);
    expect![[r#"
        # another age key: 1
        error: cannot decrypt $DIR/to-other.yaml (needed by secret s)
          this file can be opened by
            age  age1ckje58egddjgc73tl3uvd3arzmnndgca45npyezu37h8zsz8m9jsdqwf05
          this host has
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/age.txt
          hint: add age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u to .sops.yaml, and in its directory run: sops updatekeys $DIR/to-other.yaml
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because all of it failed: s

        # SSH keys: 1
        error: cannot decrypt $DIR/to-other.yaml (needed by secret s)
          this file can be opened by
            age  age1ckje58egddjgc73tl3uvd3arzmnndgca45npyezu37h8zsz8m9jsdqwf05
          this host has
            age198jnwd90trm6qgtafakwv2z4c3hjevh07rd24dl8mtz4tq39yvdqrgr3sl  from $DIR/ssh_ed25519 (converted)
            ssh-ed25519 SHA256:0Vhpt4I6LFEOul7GvEHzP5kMqMjT6OkILBZ4nQZqdEU  from $DIR/ssh_ed25519
            ssh-rsa SHA256://6irmPbJEfwu1IQEM42AuWJ5JWTw2NSCaFiEOj4OSA  from $DIR/ssh_rsa
          hint: add age198jnwd90trm6qgtafakwv2z4c3hjevh07rd24dl8mtz4tq39yvdqrgr3sl to .sops.yaml, and in its directory run: sops updatekeys $DIR/to-other.yaml
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because all of it failed: s

        # all keys: 1
        error: cannot decrypt $DIR/to-other.yaml (needed by secret s)
          this file can be opened by
            age  age1ckje58egddjgc73tl3uvd3arzmnndgca45npyezu37h8zsz8m9jsdqwf05
          this host has
            age198jnwd90trm6qgtafakwv2z4c3hjevh07rd24dl8mtz4tq39yvdqrgr3sl  from $DIR/ssh_ed25519 (converted)
            ssh-ed25519 SHA256:0Vhpt4I6LFEOul7GvEHzP5kMqMjT6OkILBZ4nQZqdEU  from $DIR/ssh_ed25519
            ssh-rsa SHA256://6irmPbJEfwu1IQEM42AuWJ5JWTw2NSCaFiEOj4OSA  from $DIR/ssh_rsa
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/age.txt
          hint: add age198jnwd90trm6qgtafakwv2z4c3hjevh07rd24dl8mtz4tq39yvdqrgr3sl to .sops.yaml, and in its directory run: sops updatekeys $DIR/to-other.yaml
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because all of it failed: s

        # many recipients: 1
        error: cannot decrypt $DIR/to-many.yaml (needed by secret s)
          this file can be opened by
            age  age1ckje58egddjgc73tl3uvd3arzmnndgca45npyezu37h8zsz8m9jsdqwf05
            age  age198jnwd90trm6qgtafakwv2z4c3hjevh07rd24dl8mtz4tq39yvdqrgr3sl
            age  age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u
          this host has
            ssh-rsa SHA256://6irmPbJEfwu1IQEM42AuWJ5JWTw2NSCaFiEOj4OSA  from $DIR/ssh_rsa
          hint: add ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQCDzLifEBeZdybOJqiQwfS0jVICzc6TKO3VDX4XaCUsb68imjnRMUDZlSZYLhVu9sHoGY890CjG9ficb6RhhEcyzvvX14fVJfFV8m3LyADvr3Z53mgKTu3hTKfnQV+z6a3s7+LGQKKCj1wmA929f/mlo3BqBi5/JYH58SCElsYYlYBIixrAn7qAntRYc993jOSi5726pMk9vvXUFp/O6Wv9IIeJ+hkwQNa0kngSgMu3DY7mjEO5/B8WXCciLbeAb62K2QuxEFNw/wTE0w94730GtTJgWAIHnacOcfUTl03VaveD2vxUAyu765QSvRE7HeTuU9RG2cKsPJo6gVQrnujGXNusUmbWRyeKE2dLcsDIatDc/CgSlKhtNMuwtWjpMWJ9pBOQSvDH238TFedV9KHUhl9JHFsLgbFoiKdvGdqGEc3WRxeYbhVK7Kb3NNC5KremgPeEFyxaj3Xg0hHxCzFYA8pT3YqmTTUfPRPLQf70SgFg3+v9YzBw8CYYZKGjIYs= to .sops.yaml, and in its directory run: sops updatekeys $DIR/to-many.yaml
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because all of it failed: s

        # native recipients: 1
        error: cannot decrypt $DIR/to-native-both.yaml (needed by secret s)
          this file can be opened by
            age  age1ckje58egddjgc73tl3uvd3arzmnndgca45npyezu37h8zsz8m9jsdqwf05
            age  ssh-ed25519 SHA256:0Vhpt4I6LFEOul7GvEHzP5kMqMjT6OkILBZ4nQZqdEU
            age  ssh-rsa SHA256://6irmPbJEfwu1IQEM42AuWJ5JWTw2NSCaFiEOj4OSA
          this host has
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/age.txt
          hint: add age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u to .sops.yaml, and in its directory run: sops updatekeys $DIR/to-native-both.yaml
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because all of it failed: s

        # no key at all: 1
        error: cannot decrypt $DIR/to-other.yaml (needed by secret s)
          this file can be opened by
            age  age1ckje58egddjgc73tl3uvd3arzmnndgca45npyezu37h8zsz8m9jsdqwf05
          this host has no key: no source of keys is set
          hint: give this host a key: set sops.age.sshKeyPaths to its SSH host key, or sops.age.keyFile to a file made by age-keygen
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because all of it failed: s

        # a file that a shell would not take as it is: 1
        error: cannot decrypt $DIR/to-other.yaml (needed by secret s)
          this file can be opened by
            age  age1ckje58egddjgc73tl3uvd3arzmnndgca45npyezu37h8zsz8m9jsdqwf05
          this host has no key: no source of keys is set
          hint: give this host a key: set sops.age.sshKeyPaths to its SSH host key, or sops.age.keyFile to a file made by age-keygen
        error: cannot decrypt $DIR/it's odd.yaml (needed by secret odd)
          this file can be opened by
            age  age1ckje58egddjgc73tl3uvd3arzmnndgca45npyezu37h8zsz8m9jsdqwf05
          this host has no key: no source of keys is set
          hint: give this host a key: set sops.age.sshKeyPaths to its SSH host key, or sops.age.keyFile to a file made by age-keygen
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because all of it failed: s, odd

        # keys that are not there: 1
        warning: cannot use $DIR/absent.txt: no such file; restore or mount it, or if there never was one, run: mkdir -p $DIR && age-keygen -o $DIR/absent.txt
        error: cannot decrypt $DIR/to-other.yaml (needed by secret s)
          this file can be opened by
            age  age1ckje58egddjgc73tl3uvd3arzmnndgca45npyezu37h8zsz8m9jsdqwf05
          this host has
            (no key)  /etc/ssh/ssh_host_rsa_key_that_is_not_there: no such file
            (no key)  $DIR/absent.txt: no such file
          hint: mend $DIR/absent.txt: restore or mount it, or if there never was one, run: mkdir -p $DIR && age-keygen -o $DIR/absent.txt
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because all of it failed: s

        # host keys that are not there: 1
        error: cannot decrypt $DIR/to-other.yaml (needed by secret s)
          this file can be opened by
            age  age1ckje58egddjgc73tl3uvd3arzmnndgca45npyezu37h8zsz8m9jsdqwf05
          this host has
            (no key)  /etc/ssh/not_there_rsa_key: no such file
            (no key)  /etc/ssh/not_there_ed25519_key: no such file
          hint: mend /etc/ssh/not_there_ed25519_key: restore or mount it, or if there never was one, run: mkdir -p /etc/ssh && ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/not_there_ed25519_key
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because all of it failed: s

        # many secrets: 1
        error: cannot decrypt $DIR/to-other.yaml (needed by secrets s, s0, s1, s2, s3, s4, s5, s6, s7, s8 and 3 more)
          this file can be opened by
            age  age1ckje58egddjgc73tl3uvd3arzmnndgca45npyezu37h8zsz8m9jsdqwf05
          this host has
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/age.txt
          hint: add age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u to .sops.yaml, and in its directory run: sops updatekeys $DIR/to-other.yaml
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because all of it failed: s, s0, s1, s2, s3, s4, s5, s6, s7, s8 and 3 more

    "#]].assert_eq(&text);
}

#[test]
fn a_file_that_only_keys_of_other_kinds_open_says_so() {
    let world = World::user();
    let says = |file: &str| {
        paragraph(
            file,
            &dry(&world, &manifest(&world, Some("age.txt"), &[], file, "database/host")),
        )
    };
    let text = ["to-pgp.yaml", "to-kms.yaml", "to-key-groups.yaml", "to-key-groups.json"]
        .map(says)
        .concat();
    expect![[r#"
        # to-pgp.yaml: 1
        error: cannot decrypt $DIR/to-pgp.yaml (needed by secret s)
          this file can be opened by
            pgp  6E5FD1E4D065AD59675C75A8C276012957CA5C22
          this host has
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/age.txt
          hint: add age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u to .sops.yaml, and in its directory run: sops updatekeys $DIR/to-pgp.yaml
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because all of it failed: s

        # to-kms.yaml: 1
        error: cannot decrypt $DIR/to-kms.yaml (needed by secret s)
          only AWS KMS can open this file, and that is not supported yet
            AWS KMS  arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000000  (not supported yet)
          this host has
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/age.txt
          hint: add age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u to .sops.yaml, and in its directory run: sops updatekeys $DIR/to-kms.yaml
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because all of it failed: s

        # to-key-groups.yaml: 1
        error: cannot decrypt $DIR/to-key-groups.yaml (needed by secret s)
          this file needs 2 of 2 key groups, this host opens 1: group 1
            group 1  (open)
              age  age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u
            group 2
              age  age1ckje58egddjgc73tl3uvd3arzmnndgca45npyezu37h8zsz8m9jsdqwf05
          this host has
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/age.txt
          hint: add age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u to a group that is not open in .sops.yaml, and in its directory run: sops updatekeys $DIR/to-key-groups.yaml
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because all of it failed: s

        # to-key-groups.json: 1
        error: cannot decrypt $DIR/to-key-groups.json (needed by secret s)
          this file needs 2 of 2 key groups, this host opens 1: group 1
            group 1  (open)
              age  age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u
            group 2
              age  age1ckje58egddjgc73tl3uvd3arzmnndgca45npyezu37h8zsz8m9jsdqwf05
          this host has
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/age.txt
          hint: add age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u to a group that is not open in .sops.yaml, and in its directory run: sops updatekeys $DIR/to-key-groups.json
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because all of it failed: s

    "#]].assert_eq(&text);
}

#[test]
fn a_post_quantum_recipient_is_shown_by_its_ends_and_pasted_in_full() {
    let world = World::user();
    let key_file = std::fs::read_to_string(world.fixture("keys/hybrid.txt")).unwrap();
    let recipient = key_file.lines().find_map(|line| line.strip_prefix("# public key: ")).unwrap();
    let key = "database/host";
    let mut text = paragraph(
        "the host has it",
        &dry(&world, &manifest(&world, Some("hybrid.txt"), &[], "to-other.yaml", key)),
    );
    text += &paragraph(
        "the file has it",
        &dry(&world, &manifest(&world, Some("age.txt"), &[], "to-hybrid.yaml", key)),
    );
    expect![[r#"
        # the host has it: 1
        error: cannot decrypt $DIR/to-other.yaml (needed by secret s)
          this file can be opened by
            age  age1ckje58egddjgc73tl3uvd3arzmnndgca45npyezu37h8zsz8m9jsdqwf05
          this host has
            age1pq1a6esfqqrz7fap…fgh92upe  from $DIR/hybrid.txt
          hint: add $RECIPIENT to .sops.yaml, and in its directory run: sops updatekeys $DIR/to-other.yaml
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because all of it failed: s

        # the file has it: 1
        error: cannot decrypt $DIR/to-hybrid.yaml (needed by secret s)
          this file can be opened by
            age  age1pq1a6esfqqrz7fap…fgh92upe
          this host has
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/age.txt
          hint: add age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u to .sops.yaml, and in its directory run: sops updatekeys $DIR/to-hybrid.yaml
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because all of it failed: s

    "#]].assert_eq(&text.replace(recipient, "$RECIPIENT"));
}
