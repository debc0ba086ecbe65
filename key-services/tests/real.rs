//! Files that the real sops encrypted with real services: local-kms, moto, Vault's development server, and `sops keyservice`. A test whose service is
//! not there says so. The README says how to get each.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test that cannot go on fails.

mod common;

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    os::unix::process::CommandExt as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use common::{ARN, Run, feed, free_port, has, is_moved, kms, request, wait_for};
use serde_json::{Value, json};
use tempfile::TempDir;

const KEYS: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "half"),
];
const ROLE: &str = "arn:aws:iam::123456789012:role/sops";

/// A service that is killed, with all that it started, when the test ends.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let group = format!("-{}", self.0.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.0.wait();
    }
}

fn start(command: &mut Command) -> Service {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Service(quiet.process_group(0).spawn().unwrap())
}

/// A directory with an age key, which gives the data key that is expected.
struct World(TempDir);

/// A file that sops encrypted.
struct Encrypted {
    metadata: Value,
    data_key: String,
}

impl World {
    fn new() -> Self {
        let world = Self(tempfile::tempdir().unwrap());
        fs::write(world.path("plain.json"), "{\"a\":\"b\"}").unwrap();
        let made = Command::new("age-keygen")
            .arg("-o")
            .arg(world.path("age.txt"))
            .output()
            .unwrap();
        assert!(made.status.success());
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn recipient(&self) -> String {
        let text = fs::read_to_string(self.path("age.txt")).unwrap();
        text.lines()
            .find_map(|line| line.strip_prefix("# public key: "))
            .unwrap()
            .to_owned()
    }

    /// What sops makes with these options.
    fn encrypt(&self, options: &[&str], variables: &[(&str, &str)]) -> Encrypted {
        let mut sops = Command::new("sops");
        sops.args(["encrypt", "--age", &self.recipient()])
            .args(options)
            .arg(self.path("plain.json"));
        sops.envs(KEYS)
            .envs(variables.iter().copied())
            .env("SOPS_DISABLE_VERSION_CHECK", "1")
            .env("AWS_EC2_METADATA_DISABLED", "true");
        let output = sops.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let metadata = serde_json::from_slice::<Value>(&output.stdout).unwrap()["sops"].take();
        fs::write(self.path("enc.age"), metadata["age"][0]["enc"].as_str().unwrap()).unwrap();
        let opened = Command::new("age")
            .args(["-d", "-i"])
            .arg(self.path("age.txt"))
            .arg(self.path("enc.age"))
            .output()
            .unwrap();
        assert_eq!(opened.stdout.len(), 32);
        Encrypted {
            metadata,
            data_key: BASE64_STANDARD.encode(opened.stdout),
        }
    }
}

/// The first entry of `list` of the metadata, as the installer sends it.
fn entry(file: &Encrypted, list: &str) -> Value {
    let mut entry = file.metadata[list][0].clone();
    entry.as_object_mut().unwrap().remove("created_at");
    json!({ list: entry })
}

/// Runs the program with these variables, in an own home.
fn run(variables: &[(&str, &str)], request: &Value) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sops-key-services"));
    command
        .env_clear()
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(variables.iter().copied());
    feed(&mut command, &request.to_string())
}

fn has_sops_and_age() -> bool {
    ["sops", "age", "age-keygen"].into_iter().all(has)
}

#[test]
fn local_kms_opens_what_sops_encrypted() {
    if !has_sops_and_age()
        || !has("local-kms")
        || !has("unshare")
        || !has("ip")
        || is_moved("local_kms_opens_what_sops_encrypted", "ip link set lo up")
    {
        return;
    }
    let world = World::new();
    fs::write(world.path("seed.yaml"), SEED).unwrap();
    let mut command = Command::new("local-kms");
    command.envs([
        ("KMS_ACCOUNT_ID", "111122223333"),
        ("KMS_REGION", "eu-west-1"),
        ("PORT", "5578"),
    ]);
    let _service = start(
        command
            .env("KMS_DATA_PATH", world.path("data"))
            .env("KMS_SEED_PATH", world.path("seed.yaml")),
    );
    wait_for(5578);
    let url = ("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:5578");
    let alias = "arn:aws:kms:eu-west-1:111122223333:alias/sops";
    let files = [
        world.encrypt(&["--kms", ARN], &[url]),
        world.encrypt(&["--kms", ARN, "--encryption-context", "Env:prod,Of:üß"], &[url]),
        world.encrypt(&["--kms", alias], &[url]),
    ];
    let mut wrong = entry(&files[1], "kms");
    wrong["kms"]["context"]["Env"] = json!("test");
    let mut entries = files.iter().map(|file| entry(file, "kms")).collect::<Vec<_>>();
    entries.push(wrong);
    let variables = [KEYS.as_slice(), &[url]].concat();
    let outcome = run(&variables, &request(&entries));
    for (id, file) in (0..).zip(&files) {
        assert_eq!(outcome.data_key(id), file.data_key);
    }
    assert_eq!(outcome.error(3, "kind"), "wrong_key_or_context", "{}", outcome.text);
    administer(5578, "DisableKey", &json!({ "KeyId": ARN.rsplit('/').next().unwrap() }));
    let outcome = run(&variables, &request(&entries[..1]));
    assert_eq!(outcome.error(0, "kind"), "key_disabled", "{}", outcome.text);
}

const SEED: &str = "Keys:
  Symmetric:
    Aes:
      - Metadata:
          KeyId: bc436485-5092-42b8-92a3-0aa8b93536dc
        BackingKeys:
          - 5cdaead27fe7da2de47945d73cd6d79e36494e73802f3cd3869f1d2cb0b5d7a9
Aliases:
  - AliasName: alias/sops
    TargetKeyId: bc436485-5092-42b8-92a3-0aa8b93536dc
";

/// Asks the service at `port` for `operation` of KMS, with a signature that is none.
fn administer(port: u16, operation: &str, body: &Value) -> Value {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let body = body.to_string();
    let authorization = "AWS4-HMAC-SHA256 Credential=AKIAX/20260101/eu-west-1/kms/aws4_request, SignedHeaders=host, Signature=0";
    let head = format!(
        "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nX-Amz-Target: TrentService.{operation}\r\n\
         Content-Type: application/x-amz-json-1.1\r\nAuthorization: {authorization}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap_or_default()
}

#[test]
fn moto_opens_and_refuses_what_sops_encrypted() {
    if !has_sops_and_age() || !has("moto_server") {
        return;
    }
    let (world, port) = (World::new(), free_port());
    let _service = start(Command::new("moto_server").args(["-H", "127.0.0.1", "-p", &port.to_string()]));
    wait_for(port);
    let address = format!("http://127.0.0.1:{port}");
    let url = ("AWS_ENDPOINT_URL", address.as_str());
    let key = administer(port, "CreateKey", &json!({}))["KeyMetadata"]["Arn"]
        .as_str()
        .unwrap()
        .to_owned();
    let plain = world.encrypt(&["--kms", &key, "--encryption-context", "Env:prod"], &[url]);
    let with_role = world.encrypt(&["--kms", &format!("{key}+{ROLE}")], &[url]);
    let mut wrong = entry(&plain, "kms");
    wrong["kms"]["context"] = json!({});
    let mut lost = entry(&plain, "kms");
    lost["kms"]["arn"] = json!(ARN);

    let asked = request(&[entry(&plain, "kms"), entry(&with_role, "kms"), wrong, lost]);
    let outcome = run(&[KEYS.as_slice(), &[url]].concat(), &asked);
    assert_eq!(outcome.data_key(0), plain.data_key);
    assert_eq!(outcome.data_key(1), with_role.data_key);
    assert_eq!(outcome.error(2, "kind"), "wrong_key_or_context", "{}", outcome.text);
    assert_eq!(outcome.error(3, "kind"), "no_such_key", "{}", outcome.text);

    fs::write(world.path("token"), "a.b.c").unwrap();
    let token = world.path("token");
    let identity = [
        url,
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_str().unwrap()),
        ("AWS_ROLE_ARN", ROLE),
    ];
    let outcome = run(&identity, &request(&[entry(&plain, "kms")]));
    assert_eq!(outcome.data_key(0), plain.data_key);

    key_service_opens(&world, url, &[&plain, &with_role]);
}

/// The real `sops keyservice` has the credentials; the program has none.
fn key_service_opens(world: &World, url: (&str, &str), files: &[&Encrypted]) {
    let (socket, port) = (world.path("socket"), free_port());
    let tcp = format!("127.0.0.1:{port}");
    let service = |network: &str, address: &str| {
        let mut sops = Command::new("sops");
        sops.args(["keyservice", "--network", network, "--address", address])
            .envs(KEYS)
            .env(url.0, url.1);
        start(sops.env("SOPS_DISABLE_VERSION_CHECK", "1"))
    };
    let _services = (service("unix", socket.to_str().unwrap()), service("tcp", &tcp));
    wait_for(port);
    let end = Instant::now() + Duration::from_secs(10);
    while !socket.exists() && Instant::now() < end {
        thread::sleep(Duration::from_millis(20));
    }
    let mut wrong = entry(files[0], "kms");
    wrong["kms"]["context"] = json!({});
    for address in [format!("unix://{}", socket.display()), format!("tcp://{tcp}")] {
        let mut asked = request(&[entry(files[0], "kms"), entry(files[1], "kms"), wrong.clone()]);
        asked["key_services"] = json!([address]);
        let outcome = run(&[], &asked);
        assert_eq!(outcome.data_key(0), files[0].data_key);
        assert_eq!(outcome.data_key(1), files[1].data_key);
        assert!(
            outcome.error(2, "cause").contains(&format!(
                "the key service at {address} refuses: failed to decrypt sops data key with AWS KMS"
            )),
            "{}",
            outcome.text
        );
        let outcome = run(&[("SOPS_KEYSERVICE", &address)], &request(&[entry(files[0], "kms")]));
        assert_eq!(outcome.data_key(0), files[0].data_key);
    }
}

/// What Vault at `address` answers.
fn administer_vault(address: &str, method: &str, path: &str, body: &Value) -> Value {
    let mut stream = TcpStream::connect(address).unwrap();
    let body = body.to_string();
    let head = format!(
        "{method} /v1/{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nX-Vault-Token: root\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 20"), "{text}");
    serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap_or_default()
}

#[test]
fn vault_opens_and_refuses_what_sops_encrypted() {
    if !has_sops_and_age() || !has("vault") {
        return;
    }
    let (world, port) = (World::new(), free_port());
    let host = format!("127.0.0.1:{port}");
    let mut server = Command::new("vault");
    server
        .args(["server", "-dev", "-dev-no-store-token", "-dev-root-token-id=root"])
        .env("HOME", world.0.path());
    let _service = start(server.arg(format!("-dev-listen-address={host}")));
    wait_for(port);
    let address = format!("http://{host}");
    let variables = [("VAULT_ADDR", address.as_str()), ("VAULT_TOKEN", "root")];
    administer_vault(&host, "POST", "sys/mounts/a/b", &json!({ "type": "transit" }));
    administer_vault(&host, "POST", "a/b/keys/sops", &json!({}));
    let file = world.encrypt(
        &["--hc-vault-transit", &format!("{address}/v1/a/b/keys/sops")],
        &variables[1..],
    );
    let mut lost = entry(&file, "hc_vault");
    lost["hc_vault"]["key_name"] = json!("other");
    let mut asked = request(&[entry(&file, "hc_vault"), lost]);

    let outcome = run(&variables[1..], &asked);
    assert_eq!(outcome.error(0, "kind"), "address_refused");
    asked["allowed_endpoints"] = json!([address]);
    let outcome = run(&variables[1..], &asked);
    assert_eq!(outcome.data_key(0), file.data_key);
    assert_eq!(outcome.error(1, "kind"), "no_such_key", "{}", outcome.text);

    fs::write(world.path(".vault-token"), "root\n").unwrap();
    let outcome = run(&[("HOME", world.0.path().to_str().unwrap()), variables[0]], &asked);
    assert_eq!(outcome.data_key(0), file.data_key);

    let weak = administer_vault(&host, "POST", "auth/token/create", &json!({ "policies": ["default"] }));
    let outcome = run(
        &[variables[0], ("VAULT_TOKEN", weak["auth"]["client_token"].as_str().unwrap())],
        &asked,
    );
    assert_eq!(outcome.error(0, "kind"), "denied", "{}", outcome.text);
    assert!(outcome.error(0, "remedy").starts_with("allow update on a/b/decrypt/sops "));
    let outcome = run(&[variables[0], ("VAULT_TOKEN", "hvs.wrong")], &asked);
    assert_eq!(outcome.error(0, "status"), "HTTP 403", "{}", outcome.text);
}

#[test]
fn a_key_service_that_is_not_there_is_named() {
    let lacks = run(&[], &request(&[kms("YQ==")])).error(0, "cause");
    assert!(lacks.starts_with("no credentials for AWS: looked for "), "{lacks}");
    let mut asked = request(&[kms("YQ==")]);
    asked["key_services"] = json!(["unix:///nonexistent/socket"]);
    let outcome = run(&[], &asked);
    let why = "the key service at unix:///nonexistent/socket: No such file or directory (os error 2)";
    assert_eq!(outcome.error(0, "cause"), format!("{lacks}; {why}"));
    assert_eq!(outcome.error(0, "kind"), "unreachable");
}
