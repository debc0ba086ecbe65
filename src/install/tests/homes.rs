//! Tests of directories in homes, below a root directory of the test's own.

use super::{parents::reach, *};

/// A root directory in which `/home` exists, and the user of this process is alice, whose home is to be at `home`.
fn with_alice(home: &str) -> (TempDir, Root) {
    let directory = TempDir::new().unwrap();
    let root = Root::new(directory.path().canonicalize().unwrap());
    fs::create_dir(root.locate("/etc")).unwrap();
    fs::create_dir(root.locate("/home")).unwrap();
    let user = geteuid().as_raw();
    fs::write(root.locate("/etc/passwd"), format!("alice:x:{user}:{user}::{home}:/bin/sh\n")).unwrap();
    (directory, root)
}

/// The mode of the file or directory at `path`.
fn mode(root: &Root, path: &str) -> u32 {
    root.locate(path).metadata().unwrap().mode() & 0o7777
}

#[test]
fn a_missing_home_is_closed_to_others_and_what_is_in_it_is_not() {
    let (_directory, root) = with_alice("/home/alice");
    reach(&root, &root.locate("/home/alice/.config/app/key"), Homes::Known).unwrap();
    assert_eq!(mode(&root, "/home/alice"), 0o700);
    assert_eq!(mode(&root, "/home/alice/.config"), 0o755);
    assert_eq!(mode(&root, "/home/alice/.config/app"), 0o755);
}

#[test]
fn a_home_is_found_where_the_database_says_by_whatever_path() {
    let (_directory, root) = with_alice("/alias/alice");
    std::os::unix::fs::symlink("home", root.locate("/alias")).unwrap();
    reach(&root, &root.locate("/home/alice/key"), Homes::Known).unwrap();
    assert_eq!(mode(&root, "/home/alice"), 0o700);
}

#[test]
fn no_home_is_looked_for_in_user_mode() {
    let (_directory, root) = with_alice("/home/alice");
    reach(&root, &root.locate("/home/alice/key"), Homes::Unknown).unwrap();
    assert_eq!(mode(&root, "/home/alice"), 0o755);
}

#[test]
fn before_users_are_made_a_home_that_no_user_has_yet_is_not_made() {
    let (_directory, root) = with_alice("/home/alice");
    let refused = reach(&root, &root.locate("/home/bob/key"), Homes::Earlier)
        .err()
        .unwrap()
        .to_string();
    assert!(refused.contains("bob does not exist yet"), "{refused}");
    assert!(!root.locate("/home/bob").exists());
    reach(&root, &root.locate("/home/alice/key"), Homes::Earlier).unwrap();
    assert_eq!(mode(&root, "/home/alice"), 0o700);
}

#[test]
fn no_way_leads_out_of_the_root() {
    let (_directory, root) = with_alice("/home/alice");
    let outside = TempDir::new().unwrap();
    std::os::unix::fs::symlink(outside.path().canonicalize().unwrap(), root.locate("/out")).unwrap();
    for path in [root.locate("/out/key"), outside.path().join("key")] {
        let refused = reach(&root, &path, Homes::Unknown).err().unwrap().to_string();
        assert!(refused.contains("is not absolute"), "{refused}");
    }
    let name = outside.path().file_name().unwrap().to_str().unwrap();
    std::os::unix::fs::symlink(format!("home/../../{name}"), root.locate("/up")).unwrap();
    reach(&root, &root.locate("/up/app/key"), Homes::Unknown).unwrap();
    assert!(root.locate(format!("/{name}/app")).is_dir(), "above the root is the root");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
}
