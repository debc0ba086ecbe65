//! Tests in a container with users of its own: only some numbers of users and groups exist there (`user_namespaces`(7)).

use serde_json::json;

use crate::common::{Manifest, Said, World};

fn manifest(world: &World) -> Manifest {
    world.manifest().secret("a", &world.fixture("text.bin"), "")
}

/// Runs the program where root is the only user and the only group, and then a command there.
fn run_as_lonely_root(world: &World, manifest: &Manifest, afterwards: &str) -> Said {
    let script = format!("\"$0\" \"$1\"; code=$?; {afterwards}; exit $code");
    let mut command = world.command("unshare");
    command.args(["--user", "--map-root-user", "--mount", "--", "sh", "-c", &script]);
    command.arg(world.executable()).arg(world.save(manifest));
    world.finish(&mut command)
}

#[test]
fn where_only_root_is_mapped_the_directories_belong_to_the_group_of_root() {
    let Some(world) = World::system() else { return };
    let afterwards = "stat -c '%a %u:%g' /run/secrets.d /run/secrets.d/1 && grep -c ' /run/secrets.d ramfs ' /proc/self/mounts";
    let said = run_as_lonely_root(&world, &manifest(&world), afterwards);
    assert_eq!((said.out.as_str(), said.err.as_str()), ("751 0:0\n751 0:0\n1\n", ""));
}

#[test]
fn an_owner_that_is_not_mapped_is_named_and_nothing_is_mounted() {
    let Some(world) = World::system() else { return };
    for (field, kind) in [("uid", "user"), ("gid", "group")] {
        let manifest = world.manifest().secret_with(
            "a",
            &world.fixture("text.bin"),
            "",
            json!({ field: 1234, "owner": null, "group": null }),
        );
        let said = run_as_lonely_root(&world, &manifest, "grep -c secrets /proc/self/mounts; ls /run/secrets.d 2>&1");
        assert!(said.out.starts_with("0\n") && said.out.contains("No such file"), "{said:?}");
        assert_eq!(
            said.err,
            format!(
                "error: secret \"a\": the {kind} with number 1234 is not mapped into this user namespace, so no file can belong to it; \
                 give the container this number, or set {} to a {kind} that it has\n\
                 error: nothing was published in /run/secrets, because every secret and template failed: a\n",
                if kind == "user" { "owner" } else { "group" }
            )
        );
    }
}

#[test]
fn a_tmpfs_that_the_kernel_lets_swap_is_reported_with_what_helps() {
    let Some(world) = World::system() else { return };
    let said = run_as_lonely_root(&world, &manifest(&world).with("useTmpfs", true), "true");
    assert_eq!(
        said.err,
        "warning: /run/secrets.d is on a tmpfs without noswap, so secrets may be written to swap; \
         a container with users of its own cannot have noswap: set useTmpfs (sops.useTmpfs) to false, so that a ramfs is mounted, \
         and restart the container\n"
    );
    let said = run_as_lonely_root(&world, &manifest(&world), "true");
    assert_eq!(said.err, "", "the remedy helps");
}
