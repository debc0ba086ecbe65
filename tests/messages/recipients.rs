//! Messages about files that no key of the host opens.

use expect_test::expect;
use serde_json::json;

use crate::common::World;
use crate::{dry, paragraph};

/// The output of a dry run with this key file, for a secret of the fixture.
fn says(world: &World, what: &str, key: &str, file: &str) -> String {
    let manifest = world
        .manifest()
        .without("logging")
        .with("ageKeyFile", json!(world.fixture(&format!("keys/{key}"))))
        .secret("s", &world.fixture(file), "database/host");
    paragraph(what, &dry(world, &manifest))
}

/// A file that is encrypted to the OpenPGP key made from `ssh_rsa`. A message of gpg replaces the message of sops.
fn with_message(world: &World, name: &str) -> std::path::PathBuf {
    let read = |name: &str| std::fs::read_to_string(world.fixture(&format!("openpgp/{name}"))).unwrap();
    let file = read("sops/to-ssh-rsa-as-pgp.yaml");
    let (before, rest) = file.split_once("            -----BEGIN PGP MESSAGE-----\n").unwrap();
    let (_, after) = rest.split_once("-----END PGP MESSAGE-----\n").unwrap();
    let message = read(&format!("messages/{name}.asc")).replace('\n', "\n            ");
    let message = message.trim_end();
    world.write(&format!("{name}.yaml"), format!("{before}            {message}\n{after}"))
}

#[test]
fn a_message_that_gpg_was_forced_to_write_is_named_by_its_cipher() {
    let world = World::user();
    let names = ["cipher-twofish", "cipher-cast5", "compression-bzip2"];
    let says = |name: &str| {
        let keys = json!([world.fixture("keys/ssh_rsa")]);
        let manifest = world
            .manifest()
            .without("ageKeyFile")
            .without("logging")
            .with("sshKeyPaths", keys);
        let file = with_message(&world, name);
        paragraph(name, &dry(&world, &manifest.secret("s", &file, "a/b/c/d/e")))
    };
    let key = std::fs::read_to_string(world.fixture("keys/ssh_rsa.pub")).unwrap();
    let recipient = key.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let text = names.map(says).concat().replace(&recipient, "$RECIPIENT");
    expect![[r#"
        # cipher-twofish: 1
        error: cannot decrypt $DIR/cipher-twofish.yaml (needed by secret s)
          this file can be opened by:
            pgp  FE0883FD102288D8993CABF285850DB4E36EDDFC  (OpenPGP encryption with Twofish is not supported)
          this host has:
            ssh-rsa SHA256://6irmPbJEfwu1IQEM42AuWJ5JWTw2NSCaFiEOj4OSA  from $DIR/ssh_rsa
            pgp FE0883FD102288D8993CABF285850DB4E36EDDFC  from $DIR/ssh_rsa (converted)
          hint: add $RECIPIENT to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/cipher-twofish.yaml
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because every secret and template failed: s

        # cipher-cast5: 1
        error: cannot decrypt $DIR/cipher-cast5.yaml (needed by secret s)
          this file can be opened by:
            pgp  FE0883FD102288D8993CABF285850DB4E36EDDFC  (OpenPGP encryption with CAST5 is not supported)
          this host has:
            ssh-rsa SHA256://6irmPbJEfwu1IQEM42AuWJ5JWTw2NSCaFiEOj4OSA  from $DIR/ssh_rsa
            pgp FE0883FD102288D8993CABF285850DB4E36EDDFC  from $DIR/ssh_rsa (converted)
          hint: add $RECIPIENT to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/cipher-cast5.yaml
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because every secret and template failed: s

        # compression-bzip2: 1
        error: cannot decrypt $DIR/compression-bzip2.yaml (needed by secret s)
          this file can be opened by:
            pgp  FE0883FD102288D8993CABF285850DB4E36EDDFC  (OpenPGP compression with BZip2 is not supported)
          this host has:
            ssh-rsa SHA256://6irmPbJEfwu1IQEM42AuWJ5JWTw2NSCaFiEOj4OSA  from $DIR/ssh_rsa
            pgp FE0883FD102288D8993CABF285850DB4E36EDDFC  from $DIR/ssh_rsa (converted)
          hint: add $RECIPIENT to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/compression-bzip2.yaml
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because every secret and template failed: s

    "#]]
    .assert_eq(&text);
}

#[test]
fn a_post_quantum_recipient_is_shown_by_its_ends_and_pasted_in_full() {
    let world = World::user();
    let key_file = std::fs::read_to_string(world.fixture("keys/hybrid.txt")).unwrap();
    let recipient = key_file.lines().find_map(|line| line.strip_prefix("# public key: ")).unwrap();
    let text = says(&world, "the host has it", "hybrid.txt", "to-other.yaml")
        + &says(&world, "the file has it", "age.txt", "to-hybrid.yaml");
    expect![[r#"
        # the host has it: 1
        error: cannot decrypt $DIR/to-other.yaml (needed by secret s)
          this file can be opened by:
            age  age1ckje58egddjgc73tl3uvd3arzmnndgca45npyezu37h8zsz8m9jsdqwf05
          this host has:
            age1pq1a6esfqqrz7fap…fgh92upe  from $DIR/hybrid.txt
          hint: add $RECIPIENT to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/to-other.yaml
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because every secret and template failed: s

        # the file has it: 1
        error: cannot decrypt $DIR/to-hybrid.yaml (needed by secret s)
          this file can be opened by:
            age  age1pq1a6esfqqrz7fap…fgh92upe
          this host has:
            age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u  from $DIR/age.txt
          hint: add age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u to .sops.yaml, and in the directory of .sops.yaml run: sops updatekeys $DIR/to-hybrid.yaml
        error: nothing was published in $DIR/home/.config/sops-nix/secrets, because every secret and template failed: s

    "#]].assert_eq(&text.replace(recipient, "$RECIPIENT"));
}
