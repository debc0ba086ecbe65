//! Tests of questions to a person, on a terminal that the test makes itself.

use std::{
    env,
    fs::File,
    os::{fd::AsFd as _, unix::ffi::OsStrExt as _},
    process::{Child, Stdio},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, tcgetattr},
};

use super::*;

/// The variable that names the file for the outcome. The variable is set only in the process that asks.
const OUTCOME: &str = "TEST_OUTCOME";
/// The time of the plugin, in tests in which a person takes longer. The time of the person does not count.
const SHORT: Duration = Duration::from_secs(8);

/// A terminal, and a process that asks on it.
struct Dialogue {
    process: Child,
    keyboard: File,
    terminal: File,
    seen: String,
    directory: TempDir,
}

impl Dialogue {
    /// Runs the test `name` again, in a process on a terminal of its own. In that process, this function asks a plugin that does
    /// `actions` and has the time `timeout`, writes the outcome, and returns `None`.
    fn start(name: &str, actions: &[&str], timeout: Duration) -> Option<Self> {
        if let Some(path) = env::var_os(OUTCOME) {
            let outcome = ask(&[&identity("a", actions)], &messages("a", [0]), &Asking::Terminal, timeout).remove(0);
            fs::write(path, outcome.map_or_else(|failure| failure, |_| "open".to_owned())).unwrap();
            return None;
        }
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let name_of_terminal = ptsname(&keyboard, Vec::new()).unwrap();
        let path = Path::new(std::ffi::OsStr::from_bytes(name_of_terminal.as_bytes()));
        let terminal = File::options().read(true).write(true).open(path).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let process = in_new_session(name, &directory.path().join("outcome"), &["--ctty"])
            .stdin(terminal.try_clone().unwrap())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Some(Self {
            process,
            keyboard: keyboard.into(),
            terminal,
            seen: String::new(),
            directory,
        })
    }

    /// Waits until the terminal shows `text` and nothing after it, and types `answer`.
    fn answer(&mut self, text: &str, answer: &str) {
        let before = Instant::now();
        while !self.seen.ends_with(text) {
            assert!(before.elapsed() < TIMEOUT, "no {text:?} in {:?}", self.seen);
            self.look();
        }
        self.keyboard.write_all(answer.as_bytes()).unwrap();
    }

    /// Reads what the terminal has shown until now.
    fn look(&mut self) {
        let mut events = [PollFd::new(&self.keyboard, PollFlags::IN)];
        let wait = Timespec::try_from(Duration::from_millis(100)).unwrap();
        if poll(&mut events, Some(&wait)).unwrap() > 0 {
            let mut chunk = [0; 1024];
            let count = self.keyboard.read(&mut chunk).unwrap();
            self.seen.push_str(str::from_utf8(&chunk[..count]).unwrap());
        }
    }

    /// Returns the outcome, and all that the terminal showed. Checks that the terminal has echo and signals again.
    fn end(mut self) -> (String, String) {
        assert!(self.process.wait().unwrap().success());
        self.look();
        let modes = tcgetattr(self.terminal.as_fd()).unwrap().local_modes;
        assert!(modes.contains(LocalModes::ECHO | LocalModes::ISIG | LocalModes::ICANON));
        assert!(!modes.contains(LocalModes::ECHONL));
        (fs::read_to_string(self.directory.path().join("outcome")).unwrap(), self.seen)
    }
}

/// The command that runs the test `name` again, in a session of its own.
fn in_new_session(name: &str, outcome: &Path, arguments: &[&str]) -> Command {
    let test = this_test(&format!("terminal::{name}"));
    let mut command = Command::new("setsid");
    command
        .args(arguments)
        .arg("--wait")
        .arg(test.get_program())
        .args(test.get_args());
    command.env(OUTCOME, outcome);
    command
}

#[test]
fn a_pin_is_asked_for_without_echo_and_the_persons_time_does_not_count() {
    let name = "a_pin_is_asked_for_without_echo_and_the_persons_time_does_not_count";
    let actions = ["send request-secret|PIN for\\nkey \\x1b[1m7", "want ok|s3cret w\u{f6}rd"];
    let Some(mut dialogue) = Dialogue::start(name, &actions, SHORT) else {
        return;
    };
    let question = "age-plugin-test asks: PIN for key \u{fffd}[1m7: ";
    dialogue.answer(question, "");
    std::thread::sleep(SHORT + Duration::from_secs(1));
    dialogue.answer(question, "s3cret w\u{f6}rd\n");
    assert_eq!(dialogue.end(), ("open".to_owned(), format!("{question}\r\n")));
}

#[test]
fn a_public_text_is_asked_for_with_echo() {
    let actions = ["send request-public|serial number", "want ok|12 34"];
    let Some(mut dialogue) = Dialogue::start("a_public_text_is_asked_for_with_echo", &actions, TIMEOUT) else {
        return;
    };
    dialogue.answer("age-plugin-test asks: serial number: ", "12 34\n");
    let seen = "age-plugin-test asks: serial number: 12 34\r\n";
    assert_eq!(dialogue.end(), ("open".to_owned(), seen.to_owned()));
}

#[test]
fn an_empty_answer_is_an_answer() {
    let actions = ["send request-secret|PIN", "want ok|"];
    let Some(mut dialogue) = Dialogue::start("an_empty_answer_is_an_answer", &actions, TIMEOUT) else {
        return;
    };
    dialogue.answer("PIN: ", "\n");
    assert_eq!(dialogue.end().0, "open");
}

#[test]
fn a_choice_is_asked_for_until_it_is_one() {
    let actions = [
        "send confirm aW5zZXJ0ZWQ c2tpcA|insert the key",
        "want ok no|",
        "send confirm aW5zZXJ0ZWQ c2tpcA|really",
        "want ok yes|",
        "send confirm Z28gb24|last",
        "want ok yes|",
    ];
    let Some(mut dialogue) = Dialogue::start("a_choice_is_asked_for_until_it_is_one", &actions, TIMEOUT) else {
        return;
    };
    let choices = "[1 for \"inserted\", 2 for \"skip\"] ";
    dialogue.answer(&format!("age-plugin-test asks: insert the key {choices}"), "y\n");
    dialogue.answer(&format!("y\r\nage-plugin-test asks: insert the key {choices}"), "2\n");
    dialogue.answer(&format!("age-plugin-test asks: really {choices}"), "1\n");
    dialogue.answer("age-plugin-test asks: last [press enter for \"go on\"] ", "\n");
    assert_eq!(dialogue.end().0, "open");
}

#[test]
fn control_c_and_control_d_are_no_answer_and_end_all_questions() {
    let name = "control_c_and_control_d_are_no_answer_and_end_all_questions";
    let actions = [
        "send request-secret|PIN",
        "want fail|",
        "send request-secret|again",
        "want fail|",
        "silent",
    ];
    for key in ["12\x03", "\x04"] {
        let Some(mut dialogue) = Dialogue::start(name, &actions, TIMEOUT) else {
            return;
        };
        dialogue.answer("age-plugin-test asks: PIN: ", key);
        let outcome = "age-plugin-test asked \"PIN\" and got no answer";
        let seen = "age-plugin-test asks: PIN: \r\n";
        assert_eq!(dialogue.end(), (outcome.to_owned(), seen.to_owned()), "{key:?}");
    }
}

#[test]
fn a_plugin_that_repeats_a_secret_is_not_quoted() {
    let actions = ["send request-secret|PIN", "want ok|right", "silent"];
    let Some(mut dialogue) = Dialogue::start("a_plugin_that_repeats_a_secret_is_not_quoted", &actions, TIMEOUT) else {
        return;
    };
    dialogue.answer("PIN: ", "s3cret\n");
    assert_eq!(dialogue.end().0, "age-plugin-test: 'ok|…' is not 'ok|right'");
}

#[test]
fn without_a_terminal_nobody_can_be_asked() {
    let name = "without_a_terminal_nobody_can_be_asked";
    let actions = ["send request-secret|PIN", "want fail|", "silent"];
    if env::var_os(OUTCOME).is_some() {
        assert!(Dialogue::start(name, &actions, TIMEOUT).is_none());
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let outcome = directory.path().join("outcome");
    assert!(in_new_session(name, &outcome, &[]).output().unwrap().status.success());
    assert_eq!(
        fs::read_to_string(outcome).unwrap(),
        "age-plugin-test asked \"PIN\", but nobody is here to answer; use a key without PIN or touch"
    );
}

#[test]
fn a_question_that_nobody_answers_is_given_up() {
    use crate::keys::programs::plugin::terminal::{Echo, Terminal};
    let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&keyboard).unwrap();
    unlockpt(&keyboard).unwrap();
    let name = ptsname(&keyboard, Vec::new()).unwrap();
    let path = Path::new(std::ffi::OsStr::from_bytes(name.as_bytes()));
    let file = File::options().read(true).write(true).open(path).unwrap();
    let terminal = Terminal::new(file.try_clone().unwrap(), Duration::from_secs(1));
    let (done, end) = std::sync::mpsc::channel();
    // This runs on another thread, because a fault would make it wait forever.
    std::thread::spawn(move || done.send(terminal.ask("PIN: ", Echo::Hidden).is_none()));
    assert_eq!(end.recv_timeout(Duration::from_secs(20)), Ok(true));
    assert!(tcgetattr(file.as_fd()).unwrap().local_modes.contains(LocalModes::ECHO));
}
