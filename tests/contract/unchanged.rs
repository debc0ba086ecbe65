//! What stays as it is: a run that changes nothing, and what does not change in a run that changes something else.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use serde_json::json;

use crate::common::{Manifest, World, token};

const ONE: &str = "database/host";
const OTHER: &str = "database/users/admin/password";

/// Secrets, a template, a link inside the published tree and links outside. `key` decides what the secret `changing` is.
fn manifest(world: &World, key: &str) -> Manifest {
    let (file, text) = (world.fixture("nesting.json"), world.fixture("text.bin"));
    world
        .manifest()
        .with("version", 1)
        .secret("changing", &file, key)
        .secret_with(
            "deep/down/same",
            &text,
            "",
            json!({"owner": "alice", "group": "web", "mode": "0440", "path": "/etc/app/same"}),
        )
        .secret_with("other", &text, "", json!({"path": "/run/secrets/alias/of"}))
        .template(
            "t",
            &format!("x={}", token("other")),
            json!({"mode": "0444", "path": "/etc/t.conf"}),
        )
}

/// What no run that changes nothing may change of a file: what it is, and when it was changed last.
fn standing(world: &World) -> String {
    world.shell("find /run /etc -name .lock -o -printf '%p %i %n %m %U:%G %C@ %l\\n' | sort")
}

fn inode(world: &World, path: &str) -> u64 {
    fs::metadata(world.path(path)).unwrap().ino()
}

#[test]
fn a_run_that_changes_nothing_changes_no_file_no_link_and_no_directory() {
    let Some(world) = World::system() else { return };
    world.install(&manifest(&world, ONE));
    let before = standing(&world);
    for run in 1..=3 {
        let said = world.install(&manifest(&world, ONE));
        assert_eq!((said.out.as_str(), said.err.as_str()), ("", ""));
        assert_eq!(standing(&world), before, "run {run}");
    }
}

#[test]
fn a_plain_user_changes_nothing_either() {
    let world = World::user();
    let manifest = world
        .manifest()
        .with("version", 1)
        .secret("a/b", &world.fixture("nesting.json"), ONE)
        .template("t", &token("a/b"), json!({"path": world.input("home/t.conf")}));
    let look = || world.shell("find run home -name .lock -o -printf '%p %i %n %m %C@ %l\\n' | sort");
    world.install(&manifest);
    let before = look();
    world.install(&manifest);
    assert_eq!(look(), before);
}

#[test]
fn without_a_version_each_run_publishes_new_files() {
    let Some(world) = World::system() else { return };
    let old = manifest(&world, ONE).without("version");
    world.install(&old);
    let before = inode(&world, "/run/secrets.d/1/other");
    world.install(&old.with("keepGenerations", 2));
    assert_eq!(world.shell("readlink /run/secrets"), "/run/secrets.d/2\n");
    assert_ne!(inode(&world, "/run/secrets.d/2/other"), before);
}

#[test]
fn only_what_changes_gets_a_new_file() {
    let Some(world) = World::system() else { return };
    world.install(&manifest(&world, ONE));
    let files = ["deep/down/same", "other", "rendered/t", "changing"];
    let inodes = |number: u32| files.map(|name| inode(&world, &format!("/run/secrets.d/{number}/{name}")));
    let before = inodes(1);
    let reader = fs::File::open(world.path("/run/secrets.d/1/changing")).unwrap();
    let said = world.install(&manifest(&world, OTHER));
    assert_eq!((said.out.as_str(), said.err.as_str()), ("modifying secret: changing\n", ""));
    assert_eq!(
        world.shell("readlink /run/secrets; ls /run/secrets.d"),
        "/run/secrets.d/2\n2\n"
    );
    let after = inodes(2);
    assert_eq!(after[..3], before[..3]);
    assert_ne!(after[3], before[3]);
    // Whoever has the old file open reads the old value to its end.
    assert_eq!(std::io::read_to_string(reader).unwrap(), "db.example.org");
    assert_eq!(world.read("/run/secrets/changing"), "correct horse battery staple");
}

/// What somebody, or a program that may, has done to the published tree.
const DAMAGE: &[(&str, &str)] = &[
    ("the content of a file", "echo other > /run/secrets.d/1/other"),
    (
        "one byte of a file",
        "printf T | dd of=/run/secrets.d/1/other conv=notrunc status=none",
    ),
    ("the mode of a file", "chmod 444 /run/secrets.d/1/other"),
    ("the owner of a file", "chown alice /run/secrets.d/1/other"),
    ("a file is gone", "rm /run/secrets.d/1/other"),
    ("a file of nobody", "echo x > /run/secrets.d/1/mine"),
    ("a directory of nobody", "mkdir /run/secrets.d/1/mine"),
    ("a fifo of nobody", "mkfifo /run/secrets.d/1/mine"),
    ("the mode of a directory", "chmod 755 /run/secrets.d/1/deep/down"),
    ("the group of a directory", "chgrp web /run/secrets.d/1/deep"),
    ("the mode of the generation", "chmod 700 /run/secrets.d/1"),
    ("a link leads elsewhere", "ln -sfn /etc/passwd /run/secrets.d/1/alias/of"),
    ("the owner of a link", "chown -h alice /run/secrets.d/1/alias/of"),
    ("a link is gone", "rm /run/secrets.d/1/alias/of"),
    ("a link of nobody", "ln -s /etc/passwd /run/secrets.d/1/mine"),
    ("a link in place of a file", "ln -sf /etc/passwd /run/secrets.d/1/other"),
    (
        "a link in place of a directory",
        "mv /run/secrets.d/1/deep/down /run/secrets.d/away; ln -s /run/secrets.d/away /run/secrets.d/1/deep/down",
    ),
    (
        "a socket in place of a file",
        "rm /run/secrets.d/1/other
         perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => \"/run/secrets.d/1/other\", Listen => 1) or die'",
    ),
];

#[test]
fn what_was_done_to_the_live_generation_is_made_good_by_a_new_one() {
    for (what, damage) in DAMAGE {
        let Some(world) = World::system() else { return };
        world.install(&manifest(&world, ONE));
        let whole = world.tree("/run/secrets.d/1");
        let look =
            || world.shell("cd /run/secrets.d/1; find . -printf '%P %y %m %U:%G %s %l\n' | sort; find . -type f -exec cat {} +");
        let before = look();
        world.shell(damage);
        assert_ne!(look(), before, "{what}");
        world.install(&manifest(&world, ONE));
        assert_eq!(world.shell("readlink /run/secrets"), "/run/secrets.d/2\n", "{what}");
        assert_eq!(world.tree("/run/secrets.d/2"), whole, "{what}");
    }
}

#[test]
fn a_file_behind_a_link_is_no_file_of_the_generation() {
    let Some(world) = World::system() else { return };
    world.install(&manifest(&world, ONE));
    world.shell("mv /run/secrets.d/1/deep/down /run/secrets.d/away; ln -s /run/secrets.d/away /run/secrets.d/1/deep/down");
    let said = world.install(&manifest(&world, ONE));
    assert_eq!(
        (said.out.as_str(), said.err.as_str()),
        ("adding secret: deep/down/same\n", "")
    );
    let inodes = ["away/same", "2/deep/down/same"].map(|name| inode(&world, &format!("/run/secrets.d/{name}")));
    assert_ne!(inodes[0], inodes[1]);
}

/// An access control list, as the kernel takes it: version 2, and then tag, rights and user of each entry (acl(5), `linux/posix_acl_xattr.h`).
/// It lets user 1234 read. The mode of the file shows only the mask, as the rights of the group.
fn grant(owner: u16, mask: u16, others: u16) -> Vec<u8> {
    let entries = [
        (0x01, owner, u32::MAX),
        (0x02, 4, 1234),
        (0x04, mask, u32::MAX),
        (0x10, mask, u32::MAX),
        (0x20, others, u32::MAX),
    ];
    let bytes = entries.iter().flat_map(|(tag, rights, user): &(u16, u16, u32)| {
        [&tag.to_le_bytes()[..], &rights.to_le_bytes()[..], &user.to_le_bytes()[..]].concat()
    });
    2_u32.to_le_bytes().into_iter().chain(bytes).collect()
}

#[test]
fn rights_that_the_mode_does_not_show_do_not_reach_the_next_generation() {
    let (file, directory) = (grant(4, 4, 0), grant(7, 5, 1));
    for (name, list, value) in [
        ("deep/down/same", "system.posix_acl_access", &file),
        ("deep", "system.posix_acl_access", &directory),
        ("deep/down", "system.posix_acl_default", &directory),
        (".", "system.posix_acl_default", &directory),
    ] {
        let Some(world) = World::system() else { return };
        let manifest = manifest(&world, ONE).with("useTmpfs", true);
        world.install(&manifest);
        let whole = world.tree("/run/secrets.d/1");
        let there = |number: u32| world.path(&format!("/run/secrets.d/{number}/{name}"));
        rustix::fs::setxattr(there(1), list, value, rustix::fs::XattrFlags::empty()).unwrap();
        assert_eq!(world.tree("/run/secrets.d/1"), whole, "the mode of {name} does not show it");
        world.install(&manifest);
        assert_eq!(world.shell("readlink /run/secrets"), "/run/secrets.d/2\n", "{name}");
        assert_eq!(world.tree("/run/secrets.d/2"), whole, "{name}");
        let left = rustix::fs::getxattr(there(2), list, &mut [0; 64][..]);
        assert_eq!(left, Err(rustix::io::Errno::NODATA), "{name}");
    }
}

#[test]
fn a_file_that_others_may_write_is_a_new_file_in_each_generation() {
    let Some(world) = World::system() else { return };
    let install = |key| {
        let shared = world.fixture("text.bin");
        let manifest = manifest(&world, key);
        let manifest = manifest.secret_with("shared", &shared, "", json!({"group": "web", "mode": "0660"}));
        world.install(&manifest.secret_with("open", &shared, "", json!({"mode": "0602"})))
    };
    install(ONE);
    let names = ["shared", "open", "other"];
    let inodes = |number: u32| names.map(|name| inode(&world, &format!("/run/secrets.d/{number}/{name}")));
    let before = inodes(1);
    // Somebody who was in the group has the file open, and is in the group no more.
    let mut former = fs::OpenOptions::new()
        .append(true)
        .open(world.path("/run/secrets.d/1/shared"))
        .unwrap();
    let said = install(OTHER);
    assert_eq!(said.out, "modifying secret: changing\n");
    let after = inodes(2);
    assert_eq!([0, 1, 2].map(|which| before[which] == after[which]), [false, false, true]);
    std::io::Write::write_all(&mut former, b"more").unwrap();
    assert_eq!(world.read("/run/secrets/shared"), world.read("/run/secrets/other"));
}

#[test]
fn a_link_outside_that_is_gone_is_made_again_and_the_generation_stays() {
    let Some(world) = World::system() else { return };
    world.install(&manifest(&world, ONE));
    let whole = (world.tree("/etc"), world.shell("stat -c %i /run/secrets.d/1"));
    world.shell("rm /etc/app/same; ln -sf /nowhere /etc/t.conf");
    world.install(&manifest(&world, ONE));
    assert_eq!((world.tree("/etc"), world.shell("stat -c %i /run/secrets.d/1")), whole);
    assert_eq!(world.shell("readlink /run/secrets"), "/run/secrets.d/1\n");
}

#[test]
fn a_link_that_leads_to_the_live_generation_by_another_path_is_spelled_as_declared() {
    let Some(world) = World::system() else { return };
    world.install(&manifest(&world, ONE));
    world.shell("ln -s /run /etc/run; ln -sfn /etc/run/secrets.d/1 /run/secrets");
    world.install(&manifest(&world, ONE));
    assert_eq!(
        world.shell("readlink /run/secrets; ls /run/secrets.d"),
        "/run/secrets.d/1\n1\n"
    );
}

#[test]
fn what_killed_runs_and_larger_numbers_have_left_is_cleared_without_a_new_generation() {
    for keep in [1, 0] {
        let Some(world) = World::system() else { return };
        let manifest = manifest(&world, ONE).with("keepGenerations", keep);
        world.install(&manifest);
        world.shell("cd /run; mkdir secrets.d/2; echo stale > secrets.d/2/stale; ln -s x secrets.sops-new; echo restart a.service > secrets.d/2.pending");
        world.install(&manifest);
        let mark = if keep == 1 { "" } else { ".1.complete\n" };
        assert_eq!(
            world.shell("ls -A /run /run/secrets.d"),
            format!("/run:\nnixos\nsecrets\nsecrets.d\n\n/run/secrets.d:\n{mark}.last-run.json\n.lock\n1\n"),
            "{keep}"
        );
    }
}

#[test]
fn requests_that_an_earlier_run_left_are_made_without_a_new_generation() {
    let Some(world) = World::system() else { return };
    world.install(&manifest(&world, ONE));
    world.shell("echo 'restart a.service' > /run/secrets.d/1.pending");
    world.install(&manifest(&world, ONE));
    assert_eq!(world.read("/run/nixos/activation-restart-list"), "a.service\n");
    assert_eq!(world.shell("ls /run/secrets.d"), "1\n");
}

/// A mount namespace stands for a container: it has bound a file, the published directory and the mount point.
#[test]
fn a_container_sees_an_unchanged_secret_through_ten_runs_and_a_changed_one_when_it_starts_again() {
    let Some(world) = World::system() else { return };
    let install = |key| world.install(&manifest(&world, key));
    install(ONE);
    let bind = "mkdir -p /etc/in/all /etc/in/set; touch /etc/in/file; mount --bind /run/secrets.d /etc/in/all
                mount --bind /run/secrets/. /etc/in/set; mount --bind /run/secrets/changing /etc/in/file";
    let mut container = Container::start(&world, bind);
    let seen = "cat /etc/in/file /etc/in/set/changing /etc/in/all/1/changing";
    for run in 1..=10 {
        install(ONE);
        assert_eq!(container.shell(seen), "db.example.org".repeat(3), "run {run}");
    }
    install(OTHER);
    // As docs/containers.md says: the file has its old value, the set is empty, and the newest set has the highest number.
    assert_eq!(
        container.shell("cat /etc/in/file; ls -A /etc/in/set; ls /etc/in/all"),
        "db.example.org2\n"
    );
    let mut container = Container::start(&world, bind);
    assert_eq!(container.shell("cat /etc/in/file"), "correct horse battery staple");
    // What does not change in that run stays the same file for whoever has bound it.
    let bound = container.shell("touch /etc/in/other; mount --bind /run/secrets/other /etc/in/other; stat -c %i /etc/in/other");
    install(ONE);
    assert_eq!(world.shell("stat -L -c %i /run/secrets/other"), bound);
    // As docs/containers.md says: the file can be read there, but not bound a second time.
    let again = "touch /etc/in/again; mount --bind /etc/in/other /etc/in/again 2> /dev/null || echo refused";
    assert_eq!(container.shell(again), "refused\n");
    assert_eq!(container.shell("cat /etc/in/other"), world.read("/run/secrets/other"));
}

#[test]
fn a_watch_on_a_file_that_does_not_change_sees_only_a_change_of_its_status() {
    use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
    let Some(world) = World::system() else { return };
    world.install(&manifest(&world, ONE));
    let watch = inotify::init(CreateFlags::NONBLOCK).unwrap();
    let changes =
        WatchFlags::ATTRIB | WatchFlags::MODIFY | WatchFlags::CLOSE_WRITE | WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF;
    inotify::add_watch(&watch, world.path("/run/secrets.d/1/other"), changes).unwrap();
    let seen = || {
        let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(&watch, &mut buffer);
        std::iter::from_fn(|| reader.next().ok().map(|event| event.events())).fold(ReadFlags::empty(), ReadFlags::union)
    };
    world.install(&manifest(&world, ONE));
    assert_eq!(seen(), ReadFlags::empty(), "a run that changes nothing");
    world.install(&manifest(&world, OTHER));
    assert_eq!(seen(), ReadFlags::ATTRIB, "a run that changes another secret");
}

/// A shell in a mount namespace below that of a world. It reads one line after another.
struct Container {
    shell: std::process::Child,
}

impl Container {
    fn start(world: &World, script: &str) -> Self {
        let mut command = world.command("unshare");
        command.args(["--mount", "--propagation", "private", "sh"]);
        command
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped());
        let mut container = Self {
            shell: command.spawn().unwrap(),
        };
        container.shell(script);
        container
    }

    /// What `script` prints, in the container.
    fn shell(&mut self, script: &str) -> String {
        use std::io::{BufRead as _, BufReader, Write as _};
        writeln!(self.shell.stdin.as_mut().unwrap(), "{script}\necho; echo END").unwrap();
        let mut text = String::new();
        let mut output = BufReader::with_capacity(1, self.shell.stdout.as_mut().unwrap());
        while !text.ends_with("\nEND\n") {
            assert_ne!(output.read_line(&mut text).unwrap(), 0, "{script}: {text}");
        }
        text.trim_end_matches("END\n").strip_suffix('\n').unwrap().to_owned()
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}
