//! Compares the recipients that `sops-nix` prints with those that ssh-keygen, gpg and other programs show for the same keys.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Command,
};

use expect_test::expect;

use crate::{
    common::{Said, World, fixtures, has},
    paragraph,
};

/// Runs `sops-nix`.
fn sops_nix(world: &World, arguments: &[&str]) -> Said {
    let mut command = world.command(Path::new(env!("CARGO_BIN_EXE_sops-nix")));
    world.finish(command.args(arguments))
}

/// Makes a new RSA key by ssh-keygen. Returns the path of the private key.
fn rsa_key(directory: &Path, bits: &str) -> String {
    let path = directory.join(format!("rsa-{bits}")).to_str().unwrap().to_owned();
    let status = Command::new("ssh-keygen")
        .args(["-q", "-t", "rsa", "-N", "", "-b", bits, "-f", &path])
        .status();
    assert!(status.unwrap().success());
    path
}

/// The fingerprint that gpg shows for the OpenPGP key made from an SSH key.
fn fingerprint(home: &Path, key: &str) -> String {
    let script = format!(
        "export GNUPGHOME='{}/gnupg-'$$; mkdir -m 700 $GNUPGHOME; python3 '{}' < '{key}' | gpg --batch --quiet --import; \
         gpg --batch --with-colons --list-keys | sed -n 's/^fpr:*\\([0-9A-F]*\\):$/\\1/p'; gpgconf --kill all",
        home.display(),
        fixtures().join("ssh_to_pgp.py").display()
    );
    let output = Command::new("sh").args(["-ec", &script]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn the_fingerprint_of_an_rsa_key_is_the_one_that_gpg_shows() {
    if !["gpg", "ssh-keygen", "python3"].iter().all(|program| has(program)) {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    for bits in ["1024", "2047", "2048", "3072"] {
        let key = rsa_key(directory.path(), bits);
        let expected = fingerprint(directory.path(), &key);
        assert_eq!(expected.len(), 40, "{bits}: {expected}");
        for file in [key.clone(), format!("{key}.pub")] {
            let output = Command::new(env!("CARGO_BIN_EXE_sops-nix"))
                .args(["convert", "--to", "pgp", &file])
                .output()
                .unwrap();
            assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{expected}\n"), "{file}");
        }
    }
}

#[test]
fn a_thousand_keys_of_one_file_are_converted_as_ssh_to_age_converts_them() {
    let table = fs::read_to_string(fixtures().join("ssh-to-age/keys.tsv")).unwrap();
    let column = |index: usize| {
        let lines = table.lines().filter(|line| !line.starts_with('#'));
        lines
            .flat_map(|line| [line.split('\t').nth(index).unwrap(), "\n"])
            .collect::<String>()
    };
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), column(0)).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_sops-nix"))
        .arg("convert")
        .arg(file.path())
        .output();
    assert_eq!(String::from_utf8(output.unwrap().stdout).unwrap(), column(1));
}

#[test]
fn the_keys_of_sshd_are_found_without_a_manifest() {
    let Some(world) = World::system() else { return };
    let sshd = world.path("/etc/ssh");
    fs::create_dir_all(&sshd).unwrap();
    for (fixture, name) in [("ssh_ed25519", "ssh_host_ed25519_key"), ("ssh_ecdsa", "ssh_host_ecdsa_key")] {
        let key = sshd.join(name);
        fs::copy(fixtures().join("keys").join(fixture), &key).unwrap();
        // In a fresh clone, others can read the fixtures, and there would be a warning.
        fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    }
    world.allow("/etc/ssh");
    expect![[r#"
        # in a pipe: 0
        age198jnwd90trm6qgtafakwv2z4c3hjevh07rd24dl8mtz4tq39yvdqrgr3sl

    "#]]
    .assert_eq(&paragraph("in a pipe", &sops_nix(&world, &["keys"])));
    expect![[r##"
        # for Nix: 0
        [
          "age198jnwd90trm6qgtafakwv2z4c3hjevh07rd24dl8mtz4tq39yvdqrgr3sl"
          "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL6nuWNJTopegLNemmdjo9JR1exg2AdHA1F+jiMZ155y"
        ]

    "##]]
    .assert_eq(&paragraph("for Nix", &sops_nix(&world, &["keys", "--nix"])));
}
