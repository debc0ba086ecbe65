//! Tests of declared paths that lead into homes that do not exist yet.

use serde_json::json;

use crate::common::{Manifest, World};

/// A manifest with one secret whose declared path is `path`.
fn at(world: &World, path: &str) -> Manifest {
    let file = world.fixture("text.bin");
    world
        .manifest()
        .secret_with("a", &file, "", json!({"path": path, "owner": "alice", "group": "alice"}))
}

/// A world without homes, in which alice's home is to be at `home`.
fn without_homes(home: &str) -> Option<World> {
    let world = World::system()?;
    world.shell(&format!(
        "mount -t tmpfs -o mode=755 tmpfs /home; sed -i 's,:/home/alice:,:{home}:,' /etc/passwd"
    ));
    Some(world)
}

const TREE: &str = "\
0700 1000:1000 alice/
0755 1000:1000 alice/.config/
0755 1000:1000 alice/.config/app/
link 1000:1000 alice/.config/app/token -> /run/secrets/a
";

#[test]
fn what_is_made_in_a_home_belongs_to_whose_home_it_is_and_so_does_the_home() {
    let Some(world) = without_homes("/home/alice") else { return };
    world.install(&at(&world, "/home/alice/.config/app/token"));
    assert_eq!(world.tree("/home"), TREE);
}

#[test]
fn a_home_that_was_made_for_root_belongs_to_the_user_all_the_same() {
    let Some(world) = without_homes("/home/alice") else { return };
    world.shell("mkdir -m 700 /home/alice");
    world.install(&at(&world, "/home/alice/.config/app/token"));
    let expected = TREE.replacen("1000:1000", "0:0", 1);
    assert_eq!(world.tree("/home"), expected, "the home itself is not ours to change");
}

#[test]
fn what_root_has_where_a_service_has_its_home_stays_with_root() {
    let Some(world) = without_homes("/home/alice") else { return };
    world.shell("echo service:x:200:200::/home/srv:/bin/false >> /etc/passwd; mkdir /home/srv");
    world.install(&at(&world, "/home/srv/app/token"));
    assert!(world.tree("/home").contains("0755 0:0 srv/app/\n"), "{}", world.tree("/home"));
    world.shell("rm -r /home/srv");
    world.install(&at(&world, "/home/srv/app/token"));
    assert!(
        world.tree("/home").starts_with("0700 200:200 srv/\n0755 200:200 srv/app/\n"),
        "{}",
        world.tree("/home")
    );
}

#[test]
fn a_home_is_known_by_its_directory_not_by_its_spelling() {
    let Some(world) = without_homes("/run/alias/alice") else {
        return;
    };
    world.shell("ln -s /home /run/alias");
    world.install(&at(&world, "/home/alice/.config/app/token"));
    assert_eq!(world.tree("/home"), TREE);
}

#[test]
fn the_parents_of_a_home_belong_to_root() {
    let Some(world) = without_homes("/home/people/a/alice") else {
        return;
    };
    world.install(&at(&world, "/home/people/a/alice/token"));
    assert_eq!(
        world.tree("/home"),
        "0755 0:0 people/\n0755 0:0 people/a/\n0700 1000:1000 people/a/alice/\nlink 1000:1000 people/a/alice/token -> /run/secrets/a\n"
    );
}

#[test]
fn a_directory_of_somebody_else_in_a_home_stays_theirs() {
    let Some(world) = without_homes("/home/alice") else { return };
    world.shell("mkdir -p /home/alice/shared; chown 1000:1000 /home/alice; chown 7:8 /home/alice/shared");
    world.install(&at(&world, "/home/alice/shared/app/token"));
    assert!(
        world.tree("/home").contains("0755 7:8 alice/shared/app/\n"),
        "{}",
        world.tree("/home")
    );
}

#[test]
fn a_home_that_is_the_root_directory_or_that_several_share_is_nobodys() {
    let Some(world) = without_homes("/home/shared") else { return };
    world.shell("echo bob:x:1001:1001::/home/shared:/bin/sh >> /etc/passwd; echo relative:x:9:9::etc:/bin/sh >> /etc/passwd; echo broken >> /etc/passwd");
    world.install(&at(&world, "/home/shared/app/token"));
    assert_eq!(
        world.tree("/home"),
        "0755 0:0 shared/\n0755 0:0 shared/app/\nlink 1000:1000 shared/app/token -> /run/secrets/a\n"
    );
}

/// Runs as in the early phase, before users are made.
fn early(world: &World, path: &str) -> crate::common::Said {
    let manifest = world.save(&at(world, path));
    world.run_arguments(["-ignore-passwd".as_ref(), manifest.as_os_str()])
}

#[test]
fn before_users_are_made_a_home_that_is_not_there_is_left_alone() {
    let Some(world) = without_homes("/home/alice") else { return };
    world.shell("sed -i /alice/d /etc/passwd");
    let said = early(&world, "/home/alice/.config/app/token");
    assert_eq!(said.code, Some(3), "{said:?}");
    assert_eq!(
        said.err,
        "error: secret \"a\": cannot link /home/alice/.config/app/token: /home/alice does not exist yet, because users are made after this run; \
         remove neededForUsers or neededForFileSystems, or choose a path outside homes\n"
    );
    assert_eq!(world.tree("/home"), "");
    assert!(world.read("/run/secrets/a").starts_with("text"));
    // Once the home exists, it is like any other home.
    world.shell("mkdir -m 700 /home/alice; chown 1000:1000 /home/alice");
    assert_eq!(early(&world, "/home/alice/.config/app/token").code, Some(0));
    assert_eq!(world.tree("/home"), TREE.replace("link 1000:1000", "link 0:0"));
}

#[test]
fn before_users_are_made_those_of_the_last_boot_are_known() {
    let Some(world) = without_homes("/home/alice") else { return };
    assert_eq!(early(&world, "/home/alice/.config/app/token").code, Some(0));
    assert_eq!(world.tree("/home"), TREE.replace("link 1000:1000", "link 0:0"));
}

#[test]
fn before_users_are_made_other_directories_are_made_as_ever() {
    let Some(world) = without_homes("/home/alice") else { return };
    world.shell("rm /etc/passwd");
    assert_eq!(early(&world, "/etc/app/deep/token").code, Some(0));
    assert_eq!(
        world.tree("/etc/app"),
        "0755 0:0 deep/\nlink 0:0 deep/token -> /run/secrets/a\n"
    );
}

/// A world in which the home of a person contains a symlink of root's to `/etc/www`, a directory of root's.
fn with_a_link_of_roots() -> Option<World> {
    let world = without_homes("/home/alice")?;
    world.shell(
        "mkdir /home/alice /etc/www; echo precious > /etc/www/key; ln -s /etc/www /home/alice/www; chown 1000:1000 /home/alice",
    );
    Some(world)
}

/// The error if the way to `path` leads through the symlink `link`, which `who` could have made.
fn refusal(path: &str, link: &str, who: &str) -> String {
    format!(
        "error: secret \"a\": cannot safely reach {path}: on the way, {link} is a symlink to a directory of somebody else, and {who} can change this symlink; \
         replace the symlink with a directory, or declare the path that the symlink leads to\n"
    )
}

/// Declares `path`, runs `command`, and installs. Checks that files of root's elsewhere stay as they were, and that the secret is
/// published.
fn leaves_what_is_roots(command: &str, path: &str, link: &str, who: &str) {
    let Some(world) = with_a_link_of_roots() else { return };
    world.shell(command);
    let before = world.tree("/etc/www");
    for dry in ["dry-activate", ""] {
        let said = world.run_with(&at(&world, path), |command| command.env("NIXOS_ACTION", dry));
        assert_eq!(world.tree("/etc/www"), before, "{command}");
        assert_eq!((said.code, said.err), (Some(3), refusal(path, link, who)), "{command}");
    }
    assert!(world.read("/run/secrets/a").starts_with("text"));
}

#[test]
fn who_moves_a_symlink_of_roots_in_their_home_gets_no_directory_of_roots() {
    leaves_what_is_roots(
        "mv /home/alice/www /home/alice/.config",
        "/home/alice/.config/app/key",
        "/home/alice/.config",
        "uid 1000",
    );
}

#[test]
fn who_moves_a_symlink_of_roots_in_their_home_displaces_no_file_of_roots() {
    leaves_what_is_roots(
        "mv /home/alice/www /home/alice/app",
        "/home/alice/app/key",
        "/home/alice/app",
        "uid 1000",
    );
}

#[test]
fn who_moves_a_directory_of_roots_moves_the_symlinks_in_it_too() {
    leaves_what_is_roots(
        "mkdir /home/alice/old; mv /home/alice/www /home/alice/old/app; mv /home/alice/old /home/alice/.config",
        "/home/alice/.config/app/key",
        "/home/alice/.config/app",
        "uid 1000",
    );
}

#[test]
fn a_symlink_of_roots_that_a_group_or_everybody_can_move_is_not_followed_to_roots_directories() {
    for (group, mode, who) in [(60, "775", "gid 60"), (0, "777", "everybody")] {
        leaves_what_is_roots(
            &format!("chown 0:{group} /home/alice; chmod {mode} /home/alice"),
            "/home/alice/www/key",
            "/home/alice/www",
            who,
        );
    }
}

#[test]
fn a_symlink_of_roots_is_followed_to_where_those_who_can_move_it_could_write_themselves() {
    let chosen = [
        ("true", "chown 1000:1000 /etc/www"),
        (
            "chown 0:60 /home/alice; chmod 775 /home/alice",
            "chown 0:60 /etc/www; chmod 2775 /etc/www",
        ),
        ("chown 0:0 /home/alice; chmod 777 /home/alice", "chmod 777 /etc/www"),
        ("chown 0:0 /home/alice; chmod 1777 /home/alice", "true"),
    ];
    for (home, target) in chosen {
        let Some(world) = with_a_link_of_roots() else { return };
        world.shell(&format!("{home}; {target}"));
        world.install(&at(&world, "/home/alice/www/token"));
        assert!(world.read("/etc/www/token").starts_with("text"), "{home}");
    }
}

#[test]
fn where_a_symlink_leads_out_of_a_home_directories_belong_to_the_owner_of_the_nearest() {
    let Some(world) = with_a_link_of_roots() else { return };
    world.shell(
        "chown 0:0 /home/alice; ln -s ../../etc/www /home/alice/up; mkdir /home/alice/dots; ln -s ../dots /home/alice/dots/here",
    );
    for (path, made) in [
        ("/home/alice/www/app/token", "/etc/www/app"),
        ("/home/alice/up/other/token", "/etc/www/other"),
    ] {
        world.install(&at(&world, path));
        assert_eq!(world.shell(&format!("stat -c %u:%g {made}")), "0:0\n", "{path}");
    }
    world.install(&at(&world, "/home/alice/dots/here/app/token"));
    assert_eq!(world.shell("stat -c %u:%g /home/alice/dots/app"), "1000:1000\n");
}
