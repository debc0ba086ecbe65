//! Which bytes a secret is.

use std::fs;

use serde_json::json;

use crate::common::{World, has};

#[test]
fn numbers_and_booleans_of_nested_maps_are_written_as_the_file_spells_them() {
    let Some(world) = World::system() else { return };
    let (types, nesting) = (world.fixture("types.json"), world.fixture("nesting.json"));
    let manifest = world
        .manifest()
        .secret("int", &types, "int")
        .secret("negative", &types, "negative")
        .secret("float", &types, "float")
        .secret("true", &types, "bool_true")
        .secret("empty", &types, "empty")
        .secret("nested", &nesting, "database/port")
        .secret("deep", &nesting, "database/users/admin/password")
        .secret("odd", &nesting, "with blank/with: colon");
    world.install(&manifest);
    assert_eq!(
        world.tree("/run/secrets.d/1"),
        "\
0400 0:0 deep \"correct horse battery staple\"
0400 0:0 empty \"\"
0400 0:0 float \"3.14\"
0400 0:0 int \"42\"
0400 0:0 negative \"-17\"
0400 0:0 nested \"5432\"
0400 0:0 odd \"1\"
0400 0:0 true \"true\"
"
    );
}

#[test]
fn what_is_no_single_value_is_an_error_that_names_secret_file_key_and_type() {
    let Some(world) = World::system() else { return };
    let (types, nesting) = (world.fixture("types.json"), world.fixture("nesting.json"));
    let hint = "only a string, a number, a boolean or a time can be a secret";
    for (file, key, found) in [
        (&nesting, "database/users", format!("the key database/users is a map; {hint}; name one of its keys after a slash, or use key \"\" for the whole file")),
        (&nesting, "list", format!("the key list is a list; {hint}")),
        (&types, "null", format!("the key null is null; {hint}; give it a value with sops edit")),
        (&nesting, "database/host/x", "the key database/host is a string, not a map, so there is no database/host/x in it".to_owned()),
        (&nesting, "list/k", "the key list is a list, not a map, so there is no list/k in it".to_owned()),
    ] {
        let said = world.run_with(&world.manifest().secret("s", file, key), |command| {
            command.env("NIXOS_ACTION", "dry-activate")
        });
        let name = file.file_name().unwrap().to_str().unwrap();
        let first = said.err.lines().next().unwrap();
        assert_eq!(first, format!("error: secret s from $DIR/{name}: {found}"));
    }
}

#[test]
fn an_ssh_host_key_also_opens_what_is_encrypted_to_it_as_itself() {
    for (key, file) in [("keys/ssh_ed25519", "to-native-ed25519.json"), ("keys/ssh_ed25519", "to-native-ed25519.bin")] {
        let Some(world) = World::system() else { return };
        let key = world.fixture(key);
        let manifest = world
            .manifest()
            .without("ageKeyFile")
            .with("ageSshKeyPaths", json!([key]))
            .secret("a", &world.fixture(file), "");
        world.install(&manifest);
        let installed = fs::read(world.path("/run/secrets.d/1/a")).unwrap();
        let expected = fs::read(crate::common::fixtures().join("3.13.2").join(format!("{file}.decrypted"))).unwrap();
        assert_eq!(installed, expected, "{file}");
    }
}

#[test]
fn each_file_is_opened_once_however_many_secrets_come_from_it() {
    let Some(world) = World::system() else { return };
    if !has("strace") {
        return;
    }
    let files = ["nesting.json", "types.json", "text.bin"].map(|name| world.fixture(name));
    let mut manifest = world.manifest();
    for number in 0..20 {
        manifest = manifest
            .secret(&format!("n{number}"), &files[0], "database/host")
            .secret(&format!("t{number}"), &files[1], "int")
            .secret(&format!("b{number}"), &files[2], "");
    }
    let (said, calls) = world.trace(&manifest, &["-e", "trace=open,openat,openat2"], &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    for file in files {
        let opened = calls.iter().filter(|call| call.arguments.contains(file.to_str().unwrap())).count();
        assert_eq!(opened, 1, "{}", file.display());
    }
}
