//! Tests of what goes wrong with plugins, with the exact words of the messages.

use std::os::unix::fs::symlink;

use super::*;

/// The same failure for each message.
fn all(words: &str, count: usize) -> Vec<KeyOrReason> {
    vec![Err(words.to_owned()); count]
}

fn broken(how: &str) -> KeyOrReason {
    Err(format!("age-plugin-test broke the plugin protocol: {how}"))
}

#[test]
fn a_plugin_is_found_only_in_absolute_directories_of_the_search_path() {
    let missing = all(
        "age-plugin-test: no such program in PATH; add its package to sops.age.plugins",
        1,
    );
    let directory = tempfile::tempdir().unwrap();
    let find = |path: &std::ffi::OsStr| {
        let results = Program::find("test", path).unwrap(
            &[&identity("a", &[])],
            &messages("a", [0]),
            &Asking::Nobody,
            TIMEOUT,
            Progress::silent(),
        );
        results.into_iter().map(told).collect::<Vec<_>>()
    };
    // Tests run in the directory of the package.
    for path in [
        "",
        ":",
        "tests/plugin",
        "./tests/plugin",
        "/nowhere",
        directory.path().to_str().unwrap(),
    ] {
        assert_eq!(find(path.as_ref()), missing, "{path}");
    }
    // A file that cannot be run, or a directory, must not hide a plugin in a later directory.
    fs::write(directory.path().join("age-plugin-test"), "").unwrap();
    let other = tempfile::tempdir().unwrap();
    fs::create_dir(other.path().join("age-plugin-test")).unwrap();
    assert_eq!(find(directory.path().as_os_str()), missing);
    let path = std::env::join_paths([directory.path(), other.path(), Path::new(&plugins())]).unwrap();
    assert_eq!(find(&path), [Ok(key_of(0))]);
}

#[test]
fn a_program_that_the_system_refuses_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("age-plugin-test");
    crate::install::tests::executable(&program, "#!/nowhere/interpreter\n");
    let find = || {
        let program = Program::find("test", directory.path().as_os_str());
        let mut results = program.unwrap(
            &[&identity("a", &[])],
            &messages("a", [0]),
            &Asking::Nobody,
            TIMEOUT,
            Progress::silent(),
        );
        told(results.remove(0)).unwrap_err()
    };
    assert_eq!(
        find(),
        "age-plugin-test: cannot be run: the interpreter in its first line does not exist"
    );
    fs::write(&program, "\0").unwrap();
    assert_eq!(find(), "age-plugin-test: cannot be run: exec format error");
    fs::remove_file(&program).unwrap();
    symlink("/dev/null", &program).unwrap();
    assert_eq!(
        find(),
        "age-plugin-test: no such program in PATH; add its package to sops.age.plugins"
    );
}

#[test]
fn a_hanging_plugin_is_killed_with_its_children() {
    let (log, mark) = (Log::new(), Log::new());
    let before = Instant::now();
    let hanging = identity("a", &[&log.action(), &format!("leave {}", mark.path().display()), "hang"]);
    let results = ask(&[&hanging], &messages("a", 0..3), &Asking::Nobody, Duration::from_secs(3));
    assert_eq!(results, all("age-plugin-test gave no answer within 3 s", 3));
    assert!(before.elapsed() < Duration::from_secs(30));
    assert_eq!(log.lines(), [START]);
    std::thread::sleep(Duration::from_secs(5));
    assert!(!mark.path().exists());
}

#[test]
fn a_plugin_that_closes_its_output_and_stays_is_late() {
    let results = ask(
        &[&identity("a", &["close"])],
        &messages("a", 0..1),
        &Asking::Nobody,
        Duration::from_secs(1),
    );
    assert_eq!(results, all("age-plugin-test gave no answer within 1 s", 1));
}

#[test]
fn a_plugin_that_stays_when_all_is_said_is_not_waited_for() {
    let before = Instant::now();
    assert_eq!(
        alone(&["say -> done\\n\\n", "hang"]),
        Err("no identity of age-plugin-test fits".to_owned())
    );
    assert!(before.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_flood_ends() {
    let results = several(&["flood"], 2);
    assert_eq!(results, all("age-plugin-test: its answer is larger than 16 MiB", 2));
}

#[test]
fn a_plugin_that_ends_early_is_quoted_when_it_had_no_words_of_its_own() {
    let ended = "age-plugin-test ended with status 3 before it was done";
    assert_eq!(several(&["exit 3"], 2), all(ended, 2));
    assert_eq!(
        alone(&["complain no \x1b[1mdevice", "exit 3"]),
        Err(format!("{ended}: no \u{fffd}[1mdevice"))
    );
    let long = format!("complain {}", "x".repeat(1000));
    assert_eq!(alone(&[&long, "exit 3"]), Err(format!("{ended}: {}…", "x".repeat(200))));
    let said = ["complain noise", "send error internal|no device", "exit 3"];
    assert_eq!(alone(&said), Err("age-plugin-test: no device".to_owned()));
    assert_eq!(alone(&["complain noise"]), Ok(key_of(0)));
}

#[test]
fn keys_that_were_given_before_the_end_count() {
    let first = "send file-key 1|\\2\\2\\2\\2\\2\\2\\2\\2\\2\\2\\2\\2\\2\\2\\2\\2";
    let ended = "age-plugin-test ended with status 0 before it was done".to_owned();
    assert_eq!(several(&[first, "exit 0"], 2), [Err(ended), Ok(key_of(1))]);
}

#[test]
fn garbage_is_no_answer() {
    assert_eq!(alone(&["say hello\\n", "hang"]), broken("what it says is no stanza"));
    assert_eq!(alone(&["say -> a\\n=\\n", "hang"]), broken("what it says is no stanza"));
    assert_eq!(
        alone(&["say -> file-key 0\\n!!!!\\n", "hang"]),
        broken("what it says is no stanza")
    );
    assert_eq!(alone(&["say \\xff\\0\\n", "hang"]), broken("what it says is no stanza"));
    let endless = format!("say -> {}", "a".repeat(100_000));
    assert_eq!(alone(&[&endless, "hang"]), broken("an endless stanza"));
}

#[test]
fn a_key_counts_only_for_a_message_that_was_asked_for_once_and_with_its_length() {
    let key = "|\\1\\1\\1\\1\\1\\1\\1\\1\\1\\1\\1\\1\\1\\1\\1\\1";
    let wrong = "a key for a message that it was not asked for";
    for index in ["1", "4294967296", "18446744073709551615"] {
        assert_eq!(alone(&[&format!("send file-key {index}{key}")]), broken(wrong), "{index}");
    }
    for head in [
        "file-key",
        "file-key -1",
        "file-key 0 0",
        "file-key a",
        "file-key 99999999999999999999",
    ] {
        let how = "a key without the number of its message";
        assert_eq!(alone(&[&format!("send {head}{key}")]), broken(how), "{head}");
    }
    for short in ["|", "|x", "|123456789012345", "|12345678901234567"] {
        assert_eq!(
            alone(&[&format!("send file-key 0{short}")]),
            broken("a key of the wrong length"),
            "{short}"
        );
    }
    let twice = format!("send file-key 0{key}");
    assert_eq!(
        several(&[&twice, &twice], 2),
        [Ok(key_of(0)), broken("two keys for one message")]
    );
}

#[test]
fn an_error_is_that_of_its_message_or_of_all_that_stay_closed() {
    let said = |words: &str| Err(format!("age-plugin-test: {words}"));
    let one = several(&["send error stanza 1 0|bad stanza", "silent"], 2);
    assert_eq!(
        one,
        [Err("no identity of age-plugin-test fits".to_owned()), said("bad stanza")]
    );
    let both = several(
        &["send error stanza 1 0|bad stanza", "send error identity 0|no key", "silent"],
        2,
    );
    assert_eq!(both, [said("no key"), said("bad stanza")]);
    assert_eq!(
        several(&["send error internal|broken", "silent"], 2),
        [said("broken"), said("broken")]
    );
    assert_eq!(alone(&["send error stanza 7 0|elsewhere", "silent"]), said("elsewhere"));
    assert_eq!(alone(&["send error future x y z|words", "silent"]), said("words"));
    assert_eq!(
        alone(&["send error|", "silent"]),
        Err("age-plugin-test failed without a reason".to_owned())
    );
    assert_eq!(alone(&["send error internal|but it opens"]), Ok(key_of(0)));
}

#[test]
fn words_of_a_plugin_are_one_short_line_and_repeat_no_identity() {
    let words = "send error internal|a\\x1b]0;title\\x07\\r\\nb AGE-PLUGIN-TEST-1SECRET (AGE-SECRET-KEY-1SECRET) age-plugin-test";
    let shown = "age-plugin-test: a\u{fffd}]0;title\u{fffd} b … … age-plugin-test";
    assert_eq!(alone(&[words, "silent"]), Err(shown.to_owned()));
    let long = format!("send error internal|{}", "x".repeat(1000));
    assert_eq!(
        alone(&[&long, "silent"]),
        Err(format!("age-plugin-test: {}…", "x".repeat(200)))
    );
}

#[test]
fn a_question_where_nobody_can_be_asked_fails_at_once_and_is_the_reason() {
    for question in [
        "request-secret|PIN for\\nkey 7",
        "request-public|PIN for key 7",
        "confirm eWVz bm8|PIN for key 7",
    ] {
        let log = Log::new();
        let send = format!("send {question}");
        let before = Instant::now();
        let actions = [
            &log.action(),
            &send,
            "send error stanza 0 1|no PIN",
            "send error identity 0|no PIN",
            "silent",
        ];
        let asked = "age-plugin-test asked \"PIN for key 7\", but nobody is here to answer; use a key without PIN or touch";
        assert_eq!(several(&actions, 2), all(asked, 2), "{question}");
        assert_eq!(log.lines(), [START, "fail|", "ok|", "ok|"]);
        assert!(before.elapsed() < Duration::from_secs(30));
    }
    // If the plugin gives a file key although its question was not answered, the message is opened.
    assert_eq!(alone(&["send request-secret|PIN"]), Ok(key_of(0)));
}

#[test]
fn a_confirmation_needs_choices() {
    let none = broken("a confirmation without choices");
    assert_eq!(alone(&["send confirm|sure?"]), none);
    assert_eq!(alone(&["send confirm eQ bg eQ|sure?"]), none);
    assert_eq!(alone(&["send confirm eQ==|sure?"]), broken("a choice that is not base64"));
}
