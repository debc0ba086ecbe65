//! Tests of messages that a plugin opens.

use tracing_subscriber::layer::SubscriberExt as _;

use super::*;

#[test]
fn a_plugin_is_started_once_for_twenty_messages() {
    let log = Log::new();
    let results = several(&[&log.action()], 20);
    assert_eq!(results, (0..20).map(|number| Ok(key_of(number))).collect::<Vec<_>>());
    assert_eq!(log.lines(), [START]);
}

#[test]
fn each_identity_opens_its_own_messages_and_what_none_opens_is_said() {
    let (a, b) = (identity("a", &[]), identity("b", &[]));
    let mut all = messages("b", [1]);
    all.extend(messages("c", [2]));
    all.extend(messages("a", [3]));
    let results = ask(&[&a, &b], &all, &Asking::Nobody, TIMEOUT);
    let none = "no identity of age-plugin-test fits".to_owned();
    assert_eq!(results, [Ok(key_of(1)), Err(none), Ok(key_of(3))]);
}

#[test]
fn a_plugin_gets_no_secret_from_the_environment_and_runs_in_the_root_directory() {
    let log = Log::new();
    let actions = [&log.action(), "environment SOPS_AGE_KEY", "environment PATH", "directory"];
    if std::env::var_os("SOPS_AGE_KEY").is_none() {
        let mut again = this_test("opening::a_plugin_gets_no_secret_from_the_environment_and_runs_in_the_root_directory");
        let output = again.env("SOPS_AGE_KEY", "x").output().unwrap();
        assert!(output.status.success(), "{output:?}");
        return;
    }
    assert_eq!(alone(&actions), Ok(key_of(0)));
    assert_eq!(log.lines(), [START, "False", "True", "/"]);
}

#[test]
fn an_unknown_command_is_answered_with_unsupported_and_a_message_with_ok() {
    let log = Log::new();
    let actions = [
        &log.action(),
        "send grease-1 a b|body",
        "send msg|touch me",
        "send recipient-stanza 0 x|",
    ];
    assert_eq!(alone(&actions), Ok(key_of(0)));
    assert_eq!(log.lines(), [START, "unsupported|", "ok|", "unsupported|"]);
}

#[test]
fn a_message_is_told_on_one_line_without_control_characters() {
    let told = Listener::default();
    let subscriber = tracing_subscriber::registry().with(told.clone());
    tracing::subscriber::with_default(subscriber, || {
        assert_eq!(alone(&["send msg|please \\x1b[31mtouch\\nyour key\\xff"]), Ok(key_of(0)));
    });
    assert_eq!(
        *told.0.lock().unwrap(),
        ["INFO age-plugin-test: please \u{fffd}[31mtouch your key\u{fffd}"]
    );
}

#[test]
fn a_plugin_that_tells_more_than_anybody_reads_is_not_shown() {
    let log = Log::new();
    let log_action = log.action();
    let mut actions = vec!["send msg|x"; 40];
    actions.insert(0, &log_action);
    assert_eq!(alone(&actions), Ok(key_of(0)));
    let answers = log.lines();
    assert_eq!(answers.iter().filter(|line| *line == "ok|").count(), 32);
    assert_eq!(answers.iter().filter(|line| *line == "fail|").count(), 8);
}

/// Remembers all messages.
#[derive(Clone, Default)]
struct Listener(std::sync::Arc<std::sync::Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Listener {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        let mut text = EventText(String::new());
        event.record(&mut text);
        self.0
            .lock()
            .unwrap()
            .push(format!("{} {}", event.metadata().level(), text.0));
    }
}

struct EventText(String);

impl tracing::field::Visit for EventText {
    fn record_debug(&mut self, _: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        self.0 = format!("{value:?}");
    }
}
