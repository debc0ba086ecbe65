//! Asks key services for data keys, by the program `sops-key-services`. It alone has TLS and HTTP, and it alone speaks to the network.
//!
//! It is started for all entries of a run at once. It reads one JSON document, and writes one line of JSON for each entry. Data keys go
//! through these two pipes alone.

use std::{
    collections::{BTreeMap, HashSet},
    process::Command,
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};

use crate::{
    keys::{failure::EntryFailure, sources::KeyServices},
    sops::remote::RemoteKey,
    system::{child::Child, child_error::ChildError, plaintext::Plaintext, progress::Progress},
    text::printable::{one_line, printable, shown},
};

/// The version of the conversation. Both programs are made from the same sources.
const VERSION: u32 = 1;
/// Limit: an entry of more than 16 KiB is no data key that a service has encrypted.
const MOST_ENTRY: usize = 16 << 10;
/// Limit: a request has at most 8 MiB of entries.
const MOST_ENTRIES: usize = 8 << 20;
/// Limit: a data key, or a share of one, has at most 33 bytes, which are 44 characters of base64.
const MOST_PART: usize = 44;
/// The time that the program may take for itself, beyond the time for the services.
const OWN_TIME: Duration = Duration::from_secs(1);
/// Limit: a message about a service shows at most this many characters, of which the cause has at least [`CAUSE_WORDS`] if it needs them.
const MOST_WORDS: usize = 1200;
/// See [`MOST_WORDS`].
const CAUSE_WORDS: usize = 400;

/// A data key or a share of one, or why there is none.
type Part = Result<Plaintext, EntryFailure>;

/// What the program is asked.
#[derive(Serialize)]
struct ServiceRequest<'a> {
    version: u32,
    timeout_seconds: u64,
    allowed_endpoints: &'a [String],
    key_services: &'a [String],
    environment: &'a BTreeMap<String, String>,
    environment_file: Option<&'a str>,
    entries: Vec<AskedEntry<'a>>,
}

/// An entry of a key service that is asked for.
pub(crate) struct ServiceEntry {
    /// The number of its key group. As soon as an entry of the group is open, the others of it are not waited for.
    pub group: usize,
    /// The entry.
    pub key: RemoteKey,
}

/// An entry that the program is asked for, with the name that the answer has.
#[derive(Serialize)]
struct AskedEntry<'a> {
    id: usize,
    group: usize,
    entry: &'a RemoteKey,
}

/// What the program answers for an entry.
#[derive(Deserialize)]
struct ServiceAnswer<'a> {
    id: usize,
    #[serde(borrow)]
    data_key: Option<&'a str>,
    error: Option<ServiceRefusal>,
}

/// Why a key service does not open an entry, in the words of the program.
#[derive(Deserialize)]
struct ServiceRefusal {
    cause: String,
    remedy: Option<String>,
    identity: Option<String>,
    status: Option<String>,
}

/// Asks for the data keys or shares of `keys`, which belong to `files`. The result has an answer for each of `keys`, in the same
/// order. `time` is the time for all of it.
pub(crate) fn ask(services: &KeyServices, keys: &[ServiceEntry], files: &str, time: Duration) -> Vec<Part> {
    let seconds = services.timeout.min(time.saturating_sub(OWN_TIME)).as_secs().max(1);
    let deadline = time.min(Duration::from_secs(seconds) + OWN_TIME);
    let (entries, mut answers) = entries(keys);
    let request = ServiceRequest {
        version: VERSION,
        timeout_seconds: seconds,
        allowed_endpoints: &services.allowed_endpoints,
        key_services: &services.addresses,
        environment: &services.environment,
        environment_file: services.environment_file.as_deref(),
        entries,
    };
    let failure = converse(services, &request, files, deadline, &mut answers);
    let open: HashSet<_> = keys
        .iter()
        .zip(&answers)
        .filter(|(_, answer)| matches!(answer, Some(Ok(_))))
        .map(|(key, _)| key.group)
        .collect();
    let undecided = |key: &ServiceEntry| {
        if open.contains(&key.group) {
            EntryFailure::NotTried
        } else {
            EntryFailure::ProgramFailed(failure.clone())
        }
    };
    let answers = keys.iter().zip(answers);
    answers
        .map(|(key, answer)| answer.unwrap_or_else(|| Err(undecided(key))))
        .collect()
}

/// The entries to ask for, and the answers that are known without asking: `None` for each entry that is asked for.
fn entries(keys: &[ServiceEntry]) -> (Vec<AskedEntry<'_>>, Vec<Option<Part>>) {
    let (mut asked, mut answers, mut total) = (Vec::new(), Vec::new(), 0);
    for (id, ServiceEntry { group, key: entry }) in keys.iter().enumerate() {
        let group = *group;
        let size = serde_json::to_vec(entry).map_or(usize::MAX, |text| text.len());
        answers.push(match size {
            MOST_ENTRY.. => Some(Err(EntryFailure::TooLarge)),
            size if total + size > MOST_ENTRIES => Some(Err(EntryFailure::NotTried)),
            size => {
                total += size;
                asked.push(AskedEntry { id, group, entry });
                None
            }
        });
    }
    (asked, answers)
}

/// Runs the program, and puts what it answers into `answers`. Returns why there is no answer for the others.
fn converse(
    services: &KeyServices,
    request: &ServiceRequest<'_>,
    files: &str,
    deadline: Duration,
    answers: &mut [Option<Part>],
) -> String {
    let program = shown(&services.program);
    let about = |why: &str| format!("{program}: {why}");
    let progress = Progress::about(format!("key services, which are asked for the key of {files}"));
    let mut command = Command::new(&services.program);
    let mut child = match Child::start_with_credentials(command.current_dir("/"), deadline, progress) {
        Ok(child) => child,
        Err(ChildError::Missing) => return about("no such program; set sops.keyServices.package"),
        Err(error) => return about(&error.to_string()),
    };
    // A request of texts always is a JSON document.
    let request = serde_json::to_vec(request).unwrap_or_default();
    let end = child.send(&request).and_then(|()| hear_out(&mut child));
    // What was answered counts, also if the program was too slow for the rest.
    read(child.output(), answers);
    match end.and_then(|()| child.finish()) {
        Ok(finished) if finished.status.success() => about("it gave no answer"),
        Ok(finished) => about(&printable(&finished.stderr)),
        Err(error) => about(&error.to_string()),
    }
}

/// Waits until the program has said everything.
fn hear_out(child: &mut Child) -> Result<(), ChildError> {
    child.close_input();
    while child.receive()? {}
    Ok(())
}

/// Puts the answers in `lines` to their places in `answers`. The first answer for an entry counts, and what is no answer is left out.
fn read(lines: &[u8], answers: &mut [Option<Part>]) {
    for line in lines.split(|byte| *byte == b'\n') {
        let Ok(answer) = serde_json::from_slice::<ServiceAnswer<'_>>(line) else {
            continue;
        };
        let part = match (answer.data_key, &answer.error) {
            (Some(text), _) => part(text),
            (None, Some(refusal)) => Err(EntryFailure::ProgramFailed(refusal.words())),
            (None, None) => continue,
        };
        if let Some(place @ None) = answers.get_mut(answer.id) {
            *place = Some(part);
        }
    }
}

/// The data key or share in base64 `text`.
fn part(text: &str) -> Part {
    let mut part = Plaintext::from(vec![0; MOST_PART]);
    let length = Some(text)
        .filter(|text| text.len() <= MOST_PART)
        .and_then(|text| BASE64_STANDARD.decode_slice(text, part.expose_mut()).ok());
    part.truncate(length.ok_or(EntryFailure::BadLength)?);
    Ok(part)
}

impl ServiceRefusal {
    /// What a person should know: what happened, as whom this host asked, what the service answered, and what to do. If all of it is too long, the
    /// cause is cut: several key services may have had their say in it.
    fn words(&self) -> String {
        let asked = self.identity.as_ref().map(|identity| format!("; asked with {identity}"));
        let answered = self.status.as_ref().map(|status| format!("; answered {status}"));
        let remedy = self.remedy.as_ref().map(|remedy| format!("; {remedy}"));
        let rest = [asked, answered, remedy].into_iter().flatten().collect::<String>();
        let rest: String = one_line(&rest).chars().take(MOST_WORDS - CAUSE_WORDS).collect();
        let most = MOST_WORDS - rest.chars().count();
        let cause: String = one_line(&self.cause).chars().take(most).collect();
        cause + &rest
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs, path::Path};

    use super::*;

    /// An entry in a group of its own, whose number is the length of `enc`.
    fn key(enc: &str) -> ServiceEntry {
        let key = RemoteKey::GcpKms {
            resource_id: "projects/x".to_owned(),
            enc: enc.to_owned(),
        };
        ServiceEntry { group: enc.len(), key }
    }

    fn services(program: &Path) -> KeyServices {
        KeyServices {
            program: program.to_owned(),
            allowed_endpoints: vec!["https://v".to_owned()],
            addresses: vec!["unix:///ks".to_owned()],
            environment: BTreeMap::from([("A".to_owned(), "b".to_owned())]),
            environment_file: Some("/run/env".to_owned()),
            timeout: Duration::from_secs(10),
            hides_credentials: true,
        }
    }

    /// What a program with this script answers for `keys`, within `time`.
    fn answers(script: &str, keys: &[ServiceEntry], time: Duration) -> Vec<Result<Vec<u8>, String>> {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("helper");
        crate::install::tests::script(&program, script);
        let answers = ask(&services(&program), keys, "a.yaml", time).into_iter();
        let place = directory.path().display().to_string();
        let shown = |failure: EntryFailure| format!("{failure:?}").replace(&place, "/x");
        answers
            .map(|answer| answer.map(|part| part.expose().to_vec()).map_err(shown))
            .collect()
    }

    fn soon(script: &str, keys: &[ServiceEntry]) -> Vec<Result<Vec<u8>, String>> {
        answers(script, keys, Duration::from_secs(30))
    }

    #[test]
    fn the_request_has_all_that_the_configuration_says() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log");
        let script = format!("cat > {}", log.display());
        let failure = Err("ProgramFailed(\"/x/helper: it gave no answer\")".to_owned());
        assert_eq!(soon(&script, &[key("x")]), [failure]);
        let request = r#"{"version":1,"timeout_seconds":10,"allowed_endpoints":["https://v"],"key_services":["unix:///ks"],"environment":{"A":"b"},"environment_file":"/run/env","entries":[{"id":0,"group":1,"entry":{"gcp_kms":{"resource_id":"projects/x","enc":"x"}}}]}"#;
        assert_eq!(fs::read_to_string(log).unwrap(), request);
    }

    #[test]
    fn each_answer_gets_to_its_entry() {
        let keys = ["", "b", "cc", "ddd", "eeee"].map(key);
        let script = r#"cat > /dev/null
            echo '{"id":1,"data_key":"AAECAwQFBgcICQoLDA0ODw=="}'
            echo '{"id":0,"error":{"service":"s","key":"k","kind":"denied","cause":"no\u001b","remedy":"ask","identity":"me","status":"HTTP 403"}}'
            echo 'not an answer'
            echo '{"id":99,"data_key":"AA=="}'
            echo '{"id":1,"data_key":"AA=="}'
            echo '{"id":3,"data_key":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}'
            echo '{"id":4,"data_key":"?"}'"#;
        let failed = |words: &str| Err(format!("ProgramFailed({words:?})"));
        assert_eq!(
            soon(script, &keys),
            [
                failed("no\u{fffd}; asked with me; answered HTTP 403; ask"),
                Ok((0..16).collect()),
                failed("/x/helper: it gave no answer"),
                Err("BadLength".to_owned()),
                Err("BadLength".to_owned()),
            ]
        );
    }

    #[test]
    fn of_a_long_refusal_the_cause_is_cut() {
        let refusal = ServiceRefusal {
            cause: "c".repeat(2000),
            remedy: Some("ask them".to_owned()),
            identity: None,
            status: Some("HTTP 403".to_owned()),
        };
        let words = refusal.words();
        assert_eq!(words.chars().count(), MOST_WORDS);
        assert!(
            words.starts_with("ccc") && words.ends_with("c; answered HTTP 403; ask them"),
            "{words}"
        );
        let remedy = Some("r".repeat(2000));
        let words = ServiceRefusal { remedy, ..refusal }.words();
        assert_eq!(words.matches('c').count(), CAUSE_WORDS);
    }

    #[test]
    fn what_was_answered_in_time_counts() {
        let script = r#"echo '{"id":0,"data_key":"AA=="}'; sleep 60"#;
        let late = Err("ProgramFailed(\"/x/helper: no answer within 2 s\")".to_owned());
        assert_eq!(
            answers(script, &["", "b", ""].map(key), Duration::from_secs(2)),
            [Ok(vec![0]), late, Err("NotTried".to_owned())]
        );
    }

    #[test]
    fn a_program_that_fails_or_is_missing_is_named() {
        let failed = |words: &str| [Err(format!("ProgramFailed({words:?})"))];
        assert_eq!(
            soon("echo 'older version' >&2; exit 1", &[key("a")]),
            failed("/x/helper: older version")
        );
        let missing = ask(&services(Path::new("/nonexistent")), &[key("a")], "", Duration::from_secs(9));
        let words = "/nonexistent: no such program; set sops.keyServices.package".to_owned();
        assert!(matches!(&missing[..], [Err(EntryFailure::ProgramFailed(said))] if *said == words));
    }

    #[test]
    fn no_entry_takes_the_place_of_all_others() {
        let large = key(&"x".repeat(MOST_ENTRY));
        let answers = soon(r#"cat > /dev/null; echo '{"id":1,"data_key":"AA=="}'"#, &[large, key("b")]);
        assert_eq!(answers, [Err("TooLarge".to_owned()), Ok(vec![0])]);
        let many: Vec<_> = (0..1000).map(|_| key(&"x".repeat(MOST_ENTRY - 100))).collect();
        let (asked, answers) = entries(&many);
        assert!((500..600).contains(&asked.len()), "{}", asked.len());
        assert_eq!(answers.iter().flatten().count(), 1000 - asked.len());
    }
}
