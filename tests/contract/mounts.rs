//! Tests of the file system that holds the secrets.

use crate::common::{KEYS, Manifest, World};

fn manifest(world: &World) -> Manifest {
    world.manifest().secret("a", &world.fixture("text.bin"), "")
}

/// The type and the options of the mounts on the mount point.
fn mount(world: &World) -> String {
    world.shell("grep ' /run/secrets.d ' /proc/self/mounts | cut -d' ' -f3,4")
}

/// Mode, owner and group of the mount point.
fn owner(world: &World) -> String {
    world.shell("stat -c '%a %u:%g' /run/secrets.d")
}

#[test]
fn the_mount_point_is_a_ramfs_without_devices_setuid_and_programs() {
    let Some(world) = World::system() else { return };
    world.install(&manifest(&world));
    assert!(
        mount(&world).starts_with("ramfs rw,nosuid,nodev,noexec,"),
        "{}",
        mount(&world)
    );
    assert_eq!(owner(&world), format!("751 0:{KEYS}\n"));
    world.install(&manifest(&world));
    assert_eq!(mount(&world).lines().count(), 1, "the second run mounts nothing");
}

#[test]
fn the_group_of_directories_is_nogroup_where_there_is_no_group_keys() {
    let Some(world) = World::system() else { return };
    world.shell("sed -i /keys/d /etc/group");
    world.install(&manifest(&world));
    assert_eq!(owner(&world), "751 0:65534\n");
    assert_eq!(world.shell("stat -c '%a %u:%g' /run/secrets.d/1"), "751 0:65534\n");
}

#[test]
fn a_tmpfs_is_kept_out_of_swap() {
    let Some(world) = World::system() else { return };
    let said = world.install(&manifest(&world).with("useTmpfs", true));
    let mount = mount(&world);
    assert!(mount.starts_with("tmpfs rw,nosuid,nodev,noexec,"), "{mount}");
    // A kernel before Linux 6.4 does not know the option. In that case, the program warns of it.
    let try_it =
        "mkdir /run/try; mount -t tmpfs -o noswap try /run/try 2> /dev/null && umount /run/try && echo known; rmdir /run/try";
    let is_known = world.shell(try_it) == "known\n";
    assert_eq!(mount.contains("noswap"), is_known, "{mount}");
    let warning = "warning: /run/secrets.d is on a tmpfs without noswap, so secrets may be written to swap; \
                   unmount it and run this again, or restart the machine\n";
    assert_eq!(said.err, if is_known { "" } else { warning });
    assert_eq!(owner(&world), format!("751 0:{KEYS}\n"));
}

#[test]
fn a_weaker_mount_is_mended() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir /run/secrets.d && mount -t ramfs -o mode=755 ramfs /run/secrets.d && chown 1000:1000 /run/secrets.d");
    let said = world.install(&manifest(&world));
    assert_eq!(said.err, "");
    assert!(
        mount(&world).starts_with("ramfs rw,nosuid,nodev,noexec,"),
        "{}",
        mount(&world)
    );
    assert_eq!(owner(&world), format!("751 0:{KEYS}\n"));
}

#[test]
fn a_read_only_mount_is_mended() {
    let Some(world) = World::system() else { return };
    world.install(&manifest(&world));
    world.shell("mount -o remount,bind,ro /run/secrets.d");
    world.install(&manifest(&world));
    assert!(
        mount(&world).starts_with("ramfs rw,nosuid,nodev,noexec,"),
        "{}",
        mount(&world)
    );
}

#[test]
fn a_tmpfs_that_may_be_swapped_is_reported() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir /run/secrets.d && mount -t tmpfs tmpfs /run/secrets.d");
    let said = world.install(&manifest(&world));
    assert_eq!(
        said.err,
        "warning: /run/secrets.d is on a tmpfs without noswap, so secrets may be written to swap; \
         unmount it and run this again, or restart the machine\n"
    );
}

#[test]
fn a_file_system_on_a_disk_is_refused() {
    let Some(world) = World::system() else { return };
    // The test needs a mount that is not in memory. It takes a directory on the disk of the tests.
    if world.shell("stat -f -c %T /") == "tmpfs\n" {
        return crate::common::say("skipped: needs a root directory on a disk");
    }
    world.shell("mkdir /run/secrets.d && mount --bind /usr /run/secrets.d");
    let said = world.run(&manifest(&world));
    assert_eq!(said.code, Some(1));
    assert_eq!(
        said.err,
        "error: the file system mounted on /run/secrets.d is neither ramfs nor tmpfs, so secrets would be written to a disk; \
         run: umount /run/secrets.d\n"
    );
}

#[test]
fn where_mounting_is_forbidden_a_directory_in_memory_is_used_with_a_warning() {
    let Some(world) = World::system() else { return };
    let path = world.save(&manifest(&world));
    let mut command = world.command("setpriv");
    command.args(["--bounding-set=-sys_admin", "--inh-caps=-sys_admin"]);
    command.arg(world.executable()).arg(path);
    let said = world.finish(&mut command);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(
        said.err,
        "warning: /run/secrets.d is on a tmpfs without noswap, so secrets may be written to swap; \
         allow this container to mount\n"
    );
    assert_eq!(mount(&world), "");
    assert_eq!(owner(&world), format!("751 0:{KEYS}\n"));
}

/// Makes a dry run and a real run. Both must fail with this error and change nothing.
fn fails(world: &World, error: &str) {
    let before = world.tree("/run");
    for dry in ["dry-activate", ""] {
        let said = world.run_with(&manifest(world), |command| command.env("NIXOS_ACTION", dry));
        assert_eq!((said.code, said.err.as_str()), (Some(1), error), "{dry}");
        assert_eq!(world.tree("/run"), before, "{dry}");
    }
}

#[test]
fn a_dry_run_refuses_the_wrong_file_system_as_the_real_run_does() {
    let Some(world) = World::system() else { return };
    if world.shell("stat -f -c %T /") == "tmpfs\n" {
        return crate::common::say("skipped: needs a root directory on a disk");
    }
    world.shell("mkdir /run/secrets.d /var/tmp/sops-empty.$$ && mount --bind /var/tmp/sops-empty.$$ /run/secrets.d && rmdir /var/tmp/sops-empty.$$");
    fails(
        &world,
        "error: the file system mounted on /run/secrets.d is neither ramfs nor tmpfs, so secrets would be written to a disk; \
         run: umount /run/secrets.d\n",
    );
}

#[test]
fn a_mount_in_the_place_of_the_link_is_named_with_its_remedy() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir /run/secrets && mount -t tmpfs tmpfs /run/secrets");
    fails(
        &world,
        "error: cannot put a link in place of /run/secrets: something is mounted there; run: umount /run/secrets\n",
    );
}

#[test]
fn a_file_mounted_at_a_declared_path_is_named_with_its_remedy() {
    let Some(world) = World::system() else { return };
    world.shell("touch /etc/key && mount --bind /etc/passwd /etc/key");
    let manifest = world
        .manifest()
        .secret_with("a", &world.fixture("text.bin"), "", serde_json::json!({"path": "/etc/key"}));
    let said = world.run(&manifest);
    assert_eq!(
        (said.code, said.err.as_str()),
        (
            Some(3),
            "error: secret \"a\": cannot put a link in place of /etc/key: something is mounted there; run: umount /etc/key\n"
        )
    );
}

#[test]
fn a_mount_point_that_is_a_symlink_is_named_with_its_remedy() {
    let Some(world) = World::system() else { return };
    world.shell("mkdir /run/real && ln -s /run/real /run/secrets.d");
    fails(
        &world,
        "error: cannot open /run/secrets.d: it is a symlink, so secrets would be written to another directory; remove the symlink, \
         or declare the directory that it leads to\n",
    );
}

#[test]
fn where_an_earlier_run_could_not_mount_the_live_generation_is_not_covered() {
    let Some(world) = World::system() else { return };
    let path = world.save(&manifest(&world));
    let mut command = world.command("setpriv");
    command.args(["--bounding-set=-sys_admin", "--inh-caps=-sys_admin"]);
    command.arg(world.executable()).arg(path);
    assert_eq!(world.finish(&mut command).code, Some(0));
    let said = world.install(&manifest(&world));
    assert!(
        said.err.ends_with("allow this container to mount, and restart it\n"),
        "{said:?}"
    );
    assert_eq!(mount(&world), "");
    assert_eq!(world.shell("readlink /run/secrets"), "/run/secrets.d/2\n");
}
