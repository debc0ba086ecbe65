//! What the tests share: the program with a request, and a server that plays a service.

#![allow(dead_code)] // Each test program uses a part of this.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test that cannot go on fails.

use std::{
    collections::BTreeMap,
    env,
    io::{BufReader, Write as _},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// The ARN of the key that the tests use.
pub const ARN: &str = "arn:aws:kms:eu-west-1:111122223333:key/bc436485-5092-42b8-92a3-0aa8b93536dc";

/// The name of the key of Google Cloud KMS that the tests use.
pub const GCP_KEY: &str = "projects/p/locations/global/keyRings/r/cryptoKeys/k";

/// What the program printed.
#[derive(Debug)]
pub struct Run {
    /// The lines of standard output, by the name of the entry.
    pub lines: BTreeMap<u64, Value>,
    /// All of standard output and standard error.
    pub text: String,
    /// How long it took.
    pub time: Duration,
    /// Whether it ended well.
    pub is_success: bool,
}

impl Run {
    /// The data key of the entry `id`, as text.
    pub fn data_key(&self, id: u64) -> String {
        let line = &self.lines[&id];
        line["data_key"]
            .as_str()
            .unwrap_or_else(|| panic!("no data key: {line}"))
            .to_owned()
    }

    /// The part `part` of the error of the entry `id`; empty if there is none.
    pub fn error(&self, id: u64, part: &str) -> String {
        let line = &self.lines[&id];
        assert!(line["error"].is_object(), "no error: {line}");
        line["error"][part].as_str().unwrap_or_default().to_owned()
    }
}

/// Runs the program with these variables alone, and `request` on standard input.
pub fn run(variables: &[(&str, &str)], request: &Value) -> Run {
    run_text(variables, &request.to_string())
}

/// Runs the program with these variables alone, and `text` on standard input.
pub fn run_text(variables: &[(&str, &str)], text: &str) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sops-key-services"));
    command.env_clear().envs(variables.iter().copied());
    feed(&mut command, text)
}

/// Runs `command`, which prints what the program prints, with `text` on standard input.
pub fn feed(command: &mut Command, text: &str) -> Run {
    let start = Instant::now();
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(text.as_bytes());
    let output = child.wait_with_output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let parsed = stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    Run {
        lines: parsed.map(|line| (line["id"].as_u64().unwrap(), line)).collect(),
        text: stdout + &String::from_utf8_lossy(&output.stderr),
        time: start.elapsed(),
        is_success: output.status.success(),
    }
}

/// A request for `entries`, which get the names 0, 1, …, each in a group of its own.
pub fn request(entries: &[Value]) -> Value {
    let entries = entries
        .iter()
        .enumerate()
        .map(|(id, entry)| json!({ "id": id, "group": id, "entry": entry }));
    json!({ "version": 1, "entries": entries.collect::<Vec<_>>() })
}

/// An entry of AWS KMS.
pub fn kms(enc: &str) -> Value {
    json!({ "kms": { "arn": ARN, "enc": enc } })
}

/// An entry of a transit engine at `address`.
pub fn vault(address: &str) -> Value {
    json!({ "hc_vault": { "vault_address": address, "engine_path": "a/transit", "key_name": "sops", "enc": "vault:v1:x" } })
}

/// An entry of Google Cloud KMS.
pub fn gcp_kms(enc: &str) -> Value {
    json!({ "gcp_kms": { "resource_id": GCP_KEY, "enc": enc } })
}

/// A question that the server was asked.
#[derive(Clone)]
pub struct Question {
    /// The method and the path.
    pub line: String,
    /// The headers, with their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
}

/// A server on this host that plays a service.
pub struct Server {
    /// The address, without a slash at its end.
    pub url: String,
    asked: Arc<Mutex<Vec<Question>>>,
    is_over: Arc<AtomicBool>,
}

impl Server {
    /// A server that gives what `answer` says: the status, further headers (each with its line break) and the body.
    pub fn new(answer: impl Fn(&Question) -> (u16, &'static str, String) + Send + Sync + 'static) -> Self {
        Self::at("127.0.0.1:0", answer)
    }

    /// A server like that, at this address.
    pub fn at(address: &str, answer: impl Fn(&Question) -> (u16, &'static str, String) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (asked, is_over) = (Arc::<Mutex<Vec<Question>>>::default(), Arc::<AtomicBool>::default());
        let (log, answer, ends) = (asked.clone(), Arc::new(answer), is_over.clone());
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if ends.load(Ordering::SeqCst) {
                    break;
                }
                let (log, answer) = (log.clone(), answer.clone());
                thread::spawn(move || converse(stream, &log, &*answer));
            }
        });
        Self { url, asked, is_over }
    }

    /// Ends it, so that another one may be at its address.
    pub fn stop(self) {
        self.is_over.store(true, Ordering::SeqCst);
        let address = self.url.strip_prefix("http://").unwrap();
        while TcpStream::connect(address).is_ok() {
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<Question> {
        self.asked.lock().unwrap().clone()
    }
}

fn converse(
    mut stream: TcpStream,
    log: &Mutex<Vec<Question>>,
    answer: &dyn Fn(&Question) -> (u16, &'static str, String),
) -> Option<()> {
    let question = read(&mut BufReader::new(stream.try_clone().ok()?))?;
    log.lock().unwrap().push(question.clone());
    let (status, headers, body) = answer(&question);
    let head = format!(
        "HTTP/1.1 {status} x\r\n{headers}Connection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).ok()
}

fn read(input: &mut impl std::io::BufRead) -> Option<Question> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        input.read_line(&mut line).ok().filter(|length| *length > 0)?;
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let (line, headers) = lines.split_first()?;
    let pairs = headers.iter().filter_map(|line| line.split_once(':'));
    let headers = pairs
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect::<BTreeMap<_, _>>();
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    input.read_exact(&mut body).ok()?;
    Some(Question {
        line: line.trim_end_matches(" HTTP/1.1").to_owned(),
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

/// Whether `program` is there; if not, says that the test is skipped.
pub fn has(program: &str) -> bool {
    let found = Command::new("sh")
        .args(["-c", &format!("command -v {program}")])
        .output()
        .unwrap()
        .status
        .success();
    if !found {
        skip(&format!("needs {program}"));
    }
    found
}

/// Runs the test `name` again in a network namespace of its own, after the shell commands `network` have been run there. `false`: this is that run.
pub fn is_moved(name: &str, network: &str) -> bool {
    if env::var_os("IN_NETWORK_OF_ITS_OWN").is_some() {
        return false;
    }
    let inside = format!(r#"{network} && exec "$0" --exact "$1" --nocapture"#);
    let mut moved = Command::new("unshare");
    moved
        .args(["--net", "--map-root-user", "sh", "-c", &inside])
        .arg(env::current_exe().unwrap())
        .arg(name);
    let output = moved.env("IN_NETWORK_OF_ITS_OWN", "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    true
}

/// Says that a test is skipped, past the capture of the test runner.
pub fn skip(why: &str) {
    let _ = writeln!(std::io::stderr().lock(), "skipped: {why}");
}

/// Waits until something listens on `port` of this host, for half a minute at most.
pub fn wait_for(port: u16) {
    let end = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < end, "nothing listens on port {port}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
