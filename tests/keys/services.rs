//! Tests key services: which files they open, when they are asked, what they are sent, and what is said if they refuse. The real sops
//! encrypts the files, by real services where there are any.

mod azure;
mod google;
mod huawei;

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::FORMATS;
use crate::common::{Call, Manifest, Said, World, copy_program, has, is_root, say};

/// The key of AWS KMS in `SEED`.
const ARN: &str = "arn:aws:kms:eu-west-1:111122223333:key/bc436485-5092-42b8-92a3-0aa8b93536dc";
/// The recipient of the key that worlds have, and that of another key.
const OURS: &str = "age1mlhf3z65g36qqjf9znnr8zn2hv76ju9t930srd9kqq4sj557rfksux292u";
const OTHERS: &str = "age1ckje58egddjgc73tl3uvd3arzmnndgca45npyezu37h8zsz8m9jsdqwf05";
/// What identifies the host to AWS, and where its service is.
const CREDENTIALS: &str = "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE\nAWS_SECRET_ACCESS_KEY=half\nAWS_EC2_METADATA_DISABLED=true\n\
    AWS_ENDPOINT_URL_KMS=http://127.0.0.1:5578\n";
const SEED: &str = "Keys:
  Symmetric:
    Aes:
      - Metadata:
          KeyId: bc436485-5092-42b8-92a3-0aa8b93536dc
        BackingKeys:
          - 5cdaead27fe7da2de47945d73cd6d79e36494e73802f3cd3869f1d2cb0b5d7a9
";

/// Plays AWS KMS for hosts that it refuses.
const AWS: &str = include_str!("services/aws.py");

/// A service that is killed, with all that it started, when the test ends.
struct Service(Child);

impl Service {
    /// Starts `command`, and waits until something listens at `port` of this host.
    fn start(command: &mut Command, port: u16) -> Self {
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let service = Self(quiet.process_group(0).spawn().unwrap());
        wait(|| TcpStream::connect(("127.0.0.1", port)).is_ok());
        service
    }

    /// Starts `command`, which prints the port of this host that it listens at.
    fn telling_its_port(command: &mut Command) -> (Self, u16) {
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut service = Self(quiet.process_group(0).spawn().unwrap());
        let mut line = String::new();
        BufReader::new(service.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
        (service, line.trim().parse().unwrap())
    }

    /// local-kms, which listens on all addresses: so its test has a network of its own.
    fn kms(world: &World) -> Self {
        let seed = world.write("seed.yaml", SEED);
        let mut command = Command::new("local-kms");
        command.envs([
            ("KMS_ACCOUNT_ID", "111122223333"),
            ("KMS_REGION", "eu-west-1"),
            ("PORT", "5578"),
        ]);
        command.env("KMS_SEED_PATH", seed).env("KMS_DATA_PATH", world.input("kms"));
        Self::start(&mut command, 5578)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = Command::new("kill")
            .args(["-KILL", "--", &format!("-{}", self.0.id())])
            .status();
        let _ = self.0.wait();
    }
}

fn wait(mut is_ready: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_mins(1);
    while !is_ready() {
        assert!(Instant::now() < end);
        thread::sleep(Duration::from_millis(20));
    }
}

/// Whether these programs are there, and the one that asks key services.
fn has_all(programs: &[&str]) -> bool {
    let is_built = helper().is_file();
    if !is_built {
        say("skipped: needs sops-key-services; cargo build --manifest-path key-services/Cargo.toml --target-dir target");
    }
    is_built && programs.iter().all(|program| has(program))
}

/// The program that asks key services, beside the one under test.
fn helper() -> PathBuf {
    let beside = || Path::new(env!("CARGO_BIN_EXE_sops-install-secrets")).with_file_name("sops-key-services");
    env::var_os("SOPS_KEY_SERVICES").map_or_else(beside, PathBuf::from)
}

/// Runs the test `name` of this file again in a network of its own, which has only the host itself. `false`: this is that run.
fn is_moved(name: &str) -> bool {
    if env::var_os("IN_NETWORK_OF_ITS_OWN").is_some() {
        return false;
    }
    let mut moved = Command::new("unshare");
    // Root needs no user namespace, in which the program's user could not be another one.
    moved.args(["--net", if is_root() { "--" } else { "--map-root-user" }]);
    moved.args(["sh", "-c", r#"ip link set lo up && exec "$0" --exact "$1" --nocapture"#]);
    moved.arg(env::current_exe().unwrap()).arg(format!("services::{name}"));
    let output = moved.env("IN_NETWORK_OF_ITS_OWN", "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
    true
}

/// A manifest with the key of the world, in which key services are asked by the real program with these variables.
fn manifest(world: &World, variables: &str) -> Manifest {
    let program = world.input("sops-key-services");
    if !program.exists() {
        copy_program(&helper(), &program);
        world.allow_input("sops-key-services");
    }
    let file = world.write("services.env", variables);
    let services = json!({"program": program, "environmentFile": file});
    world.manifest().with("version", 1).with("keyServices", services)
}

/// Changes a field of `keyServices`.
fn with(mut manifest: Manifest, field: &str, value: Value) -> Manifest {
    manifest.value()["keyServices"][field] = value;
    manifest
}

/// The plaintext of a file in a format, by its suffix.
fn plain(format: &str) -> &'static str {
    match format {
        "yaml" => "a: one\n",
        "json" => "{\"a\": \"one\"}\n",
        "env" => "a=one\n",
        "ini" => "[s]\na = one\n",
        _ => "one",
    }
}

/// What is installed of such a file.
fn installed(format: &str) -> &'static str {
    match format {
        "yaml" | "json" => "one",
        format => plain(format),
    }
}

/// A file of the format `format` that the real sops encrypts with these options and environment variables.
fn encrypted(world: &World, name: &str, format: &str, options: &[&str], variables: &str) -> PathBuf {
    let path = world.write(&format!("{name}.{format}"), plain(format));
    let mut sops = Command::new("sops");
    sops.args(["encrypt", "--in-place"]).args(options).arg(&path);
    sops.env("SOPS_DISABLE_VERSION_CHECK", "1");
    sops.envs(variables.lines().filter_map(|line| line.split_once('=')));
    let output = sops.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    world.give(&path);
    path
}

/// Files of all formats: with an entry of a service alone, beside one for somebody else, and in a key group beside one of this host.
/// `options` make an entry of the service, and `group` is a key group of it in `.sops.yaml`.
fn all_files(world: &World, options: &[&str], group: &Value, variables: &str) -> Vec<(String, &'static str, PathBuf)> {
    let rules = json!({"creation_rules": [{"shamir_threshold": 2, "key_groups": [{"age": [OURS]}, group]}]});
    let rules = world.write("rules.yaml", rules.to_string());
    let grouped = format!("{variables}\nSOPS_CONFIG={}", rules.display());
    let beside = [options, &["--age", OTHERS]].concat();
    let kinds: [(&str, &[&str], &str); 3] = [
        ("alone", options, variables),
        ("beside", &beside, variables),
        ("grouped", &[], &grouped),
    ];
    let mut files = Vec::new();
    for (kind, options, variables) in kinds {
        for format in FORMATS {
            let path = encrypted(world, kind, format, options, variables);
            files.push((format!("{kind}/{format}"), format, path));
        }
    }
    files
}

/// The manifest with a secret of each file.
fn with_secrets(manifest: &Manifest, files: &[(String, &'static str, PathBuf)]) -> Manifest {
    files.iter().fold(manifest.clone(), |manifest, (name, format, path)| {
        let key = if matches!(*format, "yaml" | "json") { "a" } else { "" };
        manifest.secret(name, path, key)
    })
}

/// Installs all files in one run, and compares what is there.
fn assert_opens(world: &World, manifest: &Manifest, files: &[(String, &'static str, PathBuf)]) {
    world.install(&with_secrets(manifest, files));
    let link = manifest.field("symlinkPath").unwrap().as_str().unwrap().to_owned();
    for (name, format, _) in files {
        assert_eq!(world.read(&format!("{link}/{name}")), installed(format), "{name}");
    }
}

/// Tries all files in one run in which their service refuses, which says `refusal` of each. If somebody else's key, which the files `beside`
/// have, is there as well, these open.
fn assert_refuses(world: &World, manifest: &Manifest, files: &[(String, &'static str, PathBuf)], refusal: &str) {
    let said = world.run(&with_secrets(manifest, files));
    assert_eq!(said.code, Some(1), "{said:?}");
    for (name, ..) in files {
        let (_, told) = said.err.split_once(&format!("(needed by secret {name})\n")).unwrap();
        let told = told.split("\nerror: ").next().unwrap();
        assert!(told.contains(refusal), "{name}: {said:?}");
    }
    let with_other = manifest
        .clone()
        .with("ageKeyFile", json!(world.fixture("keys/other-age.txt")));
    let beside = files.iter().filter(|(name, ..)| name.starts_with("beside/"));
    let beside: Vec<_> = beside.cloned().collect();
    assert_eq!(beside.len(), FORMATS.len());
    assert_opens(world, &with_other, &beside);
}

/// The notes in parentheses on the entry of a service, as the table shows them when `path` stays closed.
fn note(world: &World, manifest: &Manifest, path: &Path) -> String {
    let said = world.run(&manifest.clone().secret("s", path, "a"));
    assert_eq!(said.code, Some(1), "{said:?}");
    let row = said
        .err
        .lines()
        .find(|line| line.ends_with(')') && line.contains("  ("))
        .unwrap_or_else(|| panic!("{said:?}"));
    row.split_once("  (").unwrap().1.strip_suffix(')').unwrap().to_owned()
}

/// Asks local-kms for an operation, with a signature that is none.
fn administer(operation: &str, body: &Value) {
    let mut stream = TcpStream::connect(("127.0.0.1", 5578)).unwrap();
    let body = body.to_string();
    let authorization = "AWS4-HMAC-SHA256 Credential=AKIAX/20260101/eu-west-1/kms/aws4_request, SignedHeaders=host, Signature=0";
    let head = format!(
        "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nX-Amz-Target: TrentService.{operation}\r\n\
         Content-Type: application/x-amz-json-1.1\r\nAuthorization: {authorization}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn aws_kms_opens_files_of_all_formats_and_refuses_with_words() {
    if !has_all(&["sops", "local-kms", "python3", "unshare", "ip"])
        || is_moved("aws_kms_opens_files_of_all_formats_and_refuses_with_words")
    {
        return;
    }
    let world = World::user();
    let service = Service::kms(&world);
    let group = json!({"kms": [{"arn": ARN, "context": {"Env": "prod", "Of": "üß"}}]});
    let options = ["--kms", ARN, "--encryption-context", "Env:prod,Number:5"];
    let files = all_files(&world, &options, &group, CREDENTIALS);
    let manifest = manifest(&world, CREDENTIALS);
    assert_opens(&world, &manifest, &files);

    let (_, _, file) = &files[0];
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains("Env: prod"), "{text}");
    let changed = world.write("changed.yaml", text.replace("Env: prod", "Env: test"));
    let asked = "asked with access key AKIAIOSFODNN7EXAMPLE, from the environment";
    assert_eq!(
        note(&world, &manifest, &changed),
        format!(
            "the key does not open this data key with this encryption context; {asked}; answered InvalidCiphertextException (HTTP 400); \
             compare `context` and `arn` in the file with those it was encrypted with; if they are lost, encrypt the file anew"
        )
    );
    administer("DisableKey", &json!({"KeyId": ARN.rsplit('/').next().unwrap()}));
    let disabled = note(&world, &manifest, file);
    assert!(
        disabled.contains("answered DisabledException (HTTP 400); enable the key"),
        "{disabled}"
    );
    drop(service);
    let gone = note(&world, &manifest, file);
    assert!(gone.starts_with("http://127.0.0.1:5578"), "{gone}");
    let (_refusing, port) = Service::telling_its_port(Command::new("python3").args(["-c", AWS]));
    let variables = |key: &str| {
        let variables = CREDENTIALS.replace("AKIAIOSFODNN7EXAMPLE", key);
        variables.replace("5578", &port.to_string())
    };
    let by = |key: &str| {
        let variables = world.write("refused.env", variables(key));
        with(manifest.clone(), "environmentFile", json!(variables))
    };
    let refused = |key: &str| note(&world, &by(key), file);
    let denied = "answered AccessDeniedException (HTTP 400); allow kms:Decrypt on";
    assert_refuses(&world, &by("AKIADENIEDDENIEDDENI"), &files, denied);
    assert_eq!(
        refused("AKIADENIEDDENIEDDENI"),
        format!(
            "User: arn:aws:iam::111122223333:user/web is not authorized to perform: kms:Decrypt on resource: {ARN}; asked with access key \
             AKIADENIEDDENIEDDENI, from the environment; answered AccessDeniedException (HTTP 400); allow kms:Decrypt on {ARN} for this identity"
        )
    );
    assert!(refused("ASIAEXPIREDEXPIREDEX").ends_with("; answered ExpiredTokenException (HTTP 400); renew the credentials"));
    assert!(refused("AKIASTRANGERSTRANGER").contains("; answered UnrecognizedClientException (HTTP 400); AWS does not know"));
    let none = world.write("none.env", "AWS_EC2_METADATA_DISABLED=true\n");
    let none = note(&world, &with(manifest, "environmentFile", json!(none)), file);
    assert!(
        none.starts_with("no credentials for AWS: looked for AWS_ACCESS_KEY_ID, "),
        "{none}"
    );
}

#[test]
fn a_key_service_of_sops_opens_files_of_all_formats() {
    if !has_all(&["sops", "local-kms", "python3", "unshare", "ip"])
        || is_moved("a_key_service_of_sops_opens_files_of_all_formats")
    {
        return;
    }
    let world = World::user();
    let kms = Service::kms(&world);
    let files = all_files(&world, &["--kms", ARN], &json!({"kms": [{"arn": ARN}]}), CREDENTIALS);
    let credentials = || CREDENTIALS.lines().filter_map(|line| line.split_once('='));
    let mut sops = Command::new("sops");
    sops.args(["keyservice", "--network", "tcp", "--address", "127.0.0.1:5000"]);
    let tcp = Service::start(sops.envs(credentials()), 5000);
    let socket = world.input("ks");
    let mut sops = Command::new("sops");
    sops.args(["keyservice", "--network", "unix", "--address"]).arg(&socket);
    let _unix = Service::start(sops.envs(credentials()), 5000);
    wait(|| socket.exists());
    world.give(&socket);
    let manifest = manifest(&world, "AWS_EC2_METADATA_DISABLED=true\n");
    for address in ["tcp://127.0.0.1:5000".to_owned(), format!("unix://{}", socket.display())] {
        let manifest = with(manifest.clone(), "addresses", json!([address]));
        assert_opens(&world, &manifest, &files);
    }
    // The service cannot ask Huawei: its reason is told, and what this program lacks itself.
    let (_, _, file) = &files[0];
    let text = fs::read_to_string(file).unwrap().replace(
        "    kms:\n        - arn: ",
        "    hckms:\n        - key_id: cn-north-4:0\n          arn: ",
    );
    let foreign = world.write("huawei.yaml", text);
    let manifest = with(manifest, "addresses", json!(["tcp://127.0.0.1:5000"]));
    let told = note(&world, &manifest, &foreign);
    let refusal = "; the key service at tcp://127.0.0.1:5000 refuses: ";
    let (lacks, reason) = told.split_once(refusal).unwrap_or_else(|| panic!("{told}"));
    assert!(lacks.starts_with("no credentials for Huawei Cloud: looked for "), "{told}");
    let remedy = "; give that service what it lacks, where it runs";
    assert!(reason.len() > remedy.len() + 20 && reason.ends_with(remedy), "{told}");
    // What the service of the key refuses is in its reason.
    let reason = |path: &Path| {
        let told = note(&world, &manifest, path);
        told.split_once(refusal).unwrap_or_else(|| panic!("{told}")).1.to_owned()
    };
    let text = fs::read_to_string(file).unwrap();
    let changed = world.write(
        "context.yaml",
        text.replace(
            "aws_profile: \"\"",
            "context:\n              Env: test\n          aws_profile: \"\"",
        ),
    );
    assert!(
        reason(&changed).contains("InvalidCiphertextException"),
        "{}",
        reason(&changed)
    );
    administer("DisableKey", &json!({"KeyId": ARN.rsplit('/').next().unwrap()}));
    assert!(reason(file).contains("DisabledException"), "{}", reason(file));
    let (_refusing, port) = Service::telling_its_port(Command::new("python3").args(["-c", AWS]));
    let denied = CREDENTIALS.replace("AKIAIOSFODNN7EXAMPLE", "AKIADENIEDDENIEDDENI");
    let denied = denied.replace("5578", &port.to_string());
    let mut sops = Command::new("sops");
    sops.args(["keyservice", "--network", "tcp", "--address", "127.0.0.1:5001"]);
    let denied = denied.lines().filter_map(|line| line.split_once('='));
    let _denied = Service::start(sops.envs(denied), 5001);
    let by_denied = with(manifest.clone(), "addresses", json!(["tcp://127.0.0.1:5001"]));
    assert_refuses(&world, &by_denied, &files, "AccessDeniedException");
    drop(kms);
    assert!(reason(file).contains("connection refused"), "{}", reason(file));
    drop(tcp);
    let gone = note(&world, &manifest, file);
    assert!(
        gone.contains("; the key service at tcp://127.0.0.1:5000: Connection refused")
            && gone.ends_with("start the service, or correct its address"),
        "{gone}"
    );
}

/// Plays the transit engine of Vault, as in a boot of the Nix side.
const VAULT: &str = include_str!("../nix/files/vault.py");

#[test]
fn vault_opens_files_of_all_formats_where_its_address_is_allowed() {
    if !has_all(&["sops", "python3", "unshare", "ip"])
        || is_moved("vault_opens_files_of_all_formats_where_its_address_is_allowed")
    {
        return;
    }
    let world = World::user();
    let service = Service::start(Command::new("python3").args(["-c", VAULT]), 8200);
    let address = "http://127.0.0.1:8200";
    let key = format!("{address}/v1/a/b/keys/sops");
    let group = json!({"hc_vault": [key]});
    let files = all_files(&world, &["--hc-vault-transit", &key], &group, "VAULT_TOKEN=hvs.good");
    let manifest = manifest(&world, "VAULT_TOKEN=hvs.good\n");
    let (_, _, file) = &files[0];
    assert_eq!(
        note(&world, &manifest, file),
        format!(
            "the file asks for the token of this host to be sent to {address}, which nobody has allowed; \
             if that is your server, add {address} to sops.keyServices.allowedEndpoints"
        )
    );
    let manifest = with(manifest, "allowedEndpoints", json!([address]));
    assert_opens(&world, &manifest, &files);
    // The token is in a file, as an agent writes it.
    let token = world.write("token", "hvs.good\n");
    let by_file = with(manifest.clone(), "environmentFile", Value::Null);
    let by_file = with(by_file, "environment", json!({"VAULT_TOKEN_FILE": token}));
    assert_opens(&world, &by_file, &files);
    fs::write(world.input("services.env"), "VAULT_TOKEN=hvs.old\n").unwrap();
    assert_eq!(
        note(&world, &manifest, file),
        "permission denied; invalid token; asked with the token in VAULT_TOKEN; answered HTTP 403; renew the token: it has expired, or is revoked"
    );
    fs::write(world.input("services.env"), "VAULT_TOKEN=hvs.weak\n").unwrap();
    assert_eq!(
        note(&world, &manifest, file),
        "permission denied; asked with the token in VAULT_TOKEN; answered HTTP 403; allow update on a/b/decrypt/sops in a policy of the \
         token, and check that the token has not expired, and VAULT_NAMESPACE"
    );
    assert_refuses(
        &world,
        &manifest,
        &files,
        "; answered HTTP 403; allow update on a/b/decrypt/sops in",
    );
    // The host signs in, as a role.
    let secret = world.write("secret", "the-secret\n");
    let by_role = with(
        by_file,
        "environment",
        json!({"VAULT_ROLE_ID": "the-role", "VAULT_SECRET_ID_FILE": secret}),
    );
    assert_opens(&world, &by_role, &files);
    fs::write(&secret, "old").unwrap();
    assert!(note(&world, &by_role, file).starts_with(
        "invalid role or secret ID; asked with a token for the role in VAULT_ROLE_ID, from auth/approle/login; answered HTTP 400; correct the role"
    ));
    fs::write(world.input("services.env"), "VAULT_TOKEN=hvs.good\n").unwrap();
    let text = fs::read_to_string(file).unwrap();
    for (key, words) in [
        (
            "other",
            "encryption key not found; asked with the token in VAULT_TOKEN; answered HTTP 400; check the name of the key in the file",
        ),
        (
            "replaced",
            "cipher: message authentication failed; asked with the token in VAULT_TOKEN; answered HTTP 400; the key of this name is another one",
        ),
        (
            "raised",
            "answered HTTP 400; lower min_decryption_version of the key, or run sops updatekeys on the file",
        ),
    ] {
        let told = note(
            &world,
            &manifest,
            &world.write("changed.yaml", text.replace("key_name: sops", &format!("key_name: {key}"))),
        );
        assert!(told.contains(words), "{told}");
    }
    drop(service);
    let gone = note(&world, &manifest, file);
    assert!(gone.starts_with(&format!("{address}: Connection refused")), "{gone}");
}

/// The list of entries of AWS KMS in the metadata of a JSON file.
const KMS: &str = r#""kms": [{"arn": "arn:aws:kms:eu-west-1:1:key/2", "created_at": "2024-01-01T00:00:00Z", "enc": "AQIC", "aws_profile": ""}],"#;
/// The lists of entries of other services.
const OTHER_SERVICES: &str = r#"
    "hc_vault": [{"vault_address": "https://vault.example.com:8200", "engine_path": "transit", "key_name": "k", "created_at": "2024-01-01T00:00:00Z", "enc": "vault:v1:AQIC"}],
    "azure_kv": [{"vault_url": "https://v.vault.azure.net", "name": "sops", "version": "", "created_at": "2024-01-01T00:00:00Z", "enc": "AQIC"}],
    "gcp_kms": [{"resource_id": "projects/p/locations/l/keyRings/r/cryptoKeys/k", "created_at": "2024-01-01T00:00:00Z", "enc": "AQIC"}],
    "hckms": [{"key_id": "cn-north-4:0", "created_at": "2024-01-01T00:00:00Z", "enc": "AQIC"}],"#;

/// A file with `entries` beside its others.
fn with_entries(world: &World, name: &str, entries: &str) -> PathBuf {
    world.damaged("nesting.json", name, "\"sops\": {", &format!("\"sops\": {{ {entries}"))
}

/// A manifest in which a script takes the place of the program that asks key services.
fn scripted(world: &World, text: &str) -> Manifest {
    let program = world.script("sops-key-services", text).join("sops-key-services");
    world
        .manifest()
        .with("version", 1)
        .with("keyServices", json!({"program": program}))
}

#[test]
fn nobody_is_asked_about_a_file_that_a_key_at_hand_opens() {
    if !has("strace") {
        return;
    }
    let world = World::user();
    let both = with_entries(&world, "both.json", &(KMS.to_owned() + OTHER_SERVICES));
    let manifest = with(
        scripted(&world, "#!/bin/sh\nexit 1\n"),
        "addresses",
        json!(["unix:///run/ks", "tcp://127.0.0.1:5000"]),
    );
    let manifest = manifest.secret("s", &both, "database/host");
    let (said, calls) = world.trace(&manifest, &["-e", "trace=execve,socket,connect"], &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let started: Vec<_> = calls
        .iter()
        .filter(|call| call.name == "execve" && call.succeeded())
        .collect();
    assert_eq!(started.len(), 1, "{started:?}");
    // So it does not matter what the network is like. The C library asks services at sockets of this host for the names of users.
    let is_of_names = |call: &&Call| match call.name.as_str() {
        "socket" => call.arguments.starts_with("AF_UNIX,"),
        _ => ["/var/run/nscd/", "/run/systemd/userdb/"]
            .iter()
            .any(|path| call.arguments.contains(&format!("sun_path=\"{path}"))),
    };
    let is_socket = |call: &&Call| matches!(call.name.as_str(), "socket" | "connect");
    let sockets: Vec<_> = calls.iter().filter(is_socket).filter(|call| !is_of_names(call)).collect();
    assert!(sockets.is_empty(), "{sockets:?}");
}

#[test]
fn the_program_is_started_once_for_all_files() {
    let world = World::user();
    let log = world.input("log");
    // It answers for the first entry that it is asked for, and says nothing of the others.
    let script = format!(
        "#!/bin/sh\ncat >> {0}\necho >> {0}\necho '{{\"id\":0,\"error\":{{\"cause\":\"denied\"}}}}'\n",
        log.display()
    );
    let mut manifest = scripted(&world, &script).without("ageKeyFile");
    fs::write(&log, "").unwrap();
    world.give(&log);
    for number in 0..20 {
        manifest = manifest.secret(
            &format!("s{number}"),
            &with_entries(&world, &format!("{number}.json"), KMS),
            "database/host",
        );
    }
    let said = world.run(&manifest);
    assert_eq!(said.code, Some(1), "{said:?}");
    let log = fs::read_to_string(log).unwrap();
    let [request] = *log.lines().collect::<Vec<_>>() else {
        panic!("{log}")
    };
    let request: Value = serde_json::from_str(request).unwrap();
    assert_eq!(request["entries"].as_array().unwrap().len(), 20);
    assert_eq!(said.err.matches("  (denied)").count(), 1, "{said:?}");
    assert_eq!(said.err.matches("it gave no answer").count(), 19, "{said:?}");
}

/// A file with these entries of AWS KMS, by their `enc`, beside an entry of age, and its data key in base64.
fn merged(world: &World, encs: &[String]) -> (PathBuf, String) {
    let entry = |enc| format!(r#"{{"arn": "{ARN}", "created_at": "2024-01-01T00:00:00Z", "enc": "{enc}", "aws_profile": ""}}"#);
    let entries = encs.iter().map(entry).collect::<Vec<_>>().join(", ");
    let metadata = format!("\"sops\": {{ \"kms\": [{entries}],");
    let path = world.damaged("nesting.json", "merged.json", "\"sops\": {", &metadata);
    let file: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let data_key = data_key(world, file["sops"]["age"][0]["enc"].as_str().unwrap());
    (path, data_key)
}

/// Plays the program: all entries whose `enc` is not `right` open to another data key, and an open key group needs no further answer.
const STALE: &str = r#"#!/usr/bin/env python3
import json, sys
request = json.load(sys.stdin)
print(len(request["entries"]), file=open(LOG, "a"))
closed = {entry["group"] for entry in request["entries"]}
for entry in request["entries"]:
    if entry["group"] in closed:
        is_right = entry["entry"]["kms"]["enc"] == "right"
        if is_right and DATA_KEY == "denied":
            print(json.dumps({"id": entry["id"], "error": {"cause": "denied"}}))
            continue
        print(json.dumps({"id": entry["id"], "data_key": DATA_KEY if is_right else "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}))
        closed.remove(entry["group"])
"#;

/// Installs a secret of a file whose entries are stale before the last one. Returns what is said, and how many entries each start was asked for.
fn with_stale_entries(count: usize, is_denied: bool) -> (Said, Vec<String>) {
    let world = World::user();
    let encs: Vec<_> = (1..count)
        .map(|number| format!("stale{number}"))
        .chain(["right".to_owned()])
        .collect();
    let (path, mut data_key) = merged(&world, &encs);
    let log = world.write("log", "");
    if is_denied {
        "denied".clone_into(&mut data_key);
    }
    let script = STALE
        .replace("LOG", &format!("\"{}\"", log.display()))
        .replace("DATA_KEY", &format!("{data_key:?}"));
    let manifest = scripted(&world, &script)
        .without("ageKeyFile")
        .secret("s", &path, "database/host");
    let said = world.run(&manifest);
    (
        said,
        fs::read_to_string(log).unwrap().lines().map(ToOwned::to_owned).collect(),
    )
}

/// After a merge of two versions of a file, entries may open to the data key of the other version.
#[test]
fn an_answer_that_does_not_fit_the_file_is_not_the_last_one() {
    if !has("age") || !has("python3") {
        return;
    }
    let (said, starts) = with_stale_entries(2, false);
    assert_eq!(
        (said.code, starts),
        (Some(0), vec!["2".to_owned(), "1".to_owned()]),
        "{said:?}"
    );
    // All others are asked together, and once.
    let (said, starts) = with_stale_entries(5, false);
    assert_eq!(
        (said.code, starts),
        (Some(0), vec!["5".to_owned(), "4".to_owned()]),
        "{said:?}"
    );
    let (said, starts) = with_stale_entries(300, false);
    assert_eq!(
        (said.code, starts),
        (Some(1), vec!["64".to_owned(), "64".to_owned()]),
        "{said:?}"
    );
    // It is said why the one that would fit does not open.
    let (said, _) = with_stale_entries(2, true);
    let cause = "neither its MAC nor its values authenticate; other entries of the file did not open: denied; ";
    assert!(said.err.contains(cause), "{said:?}");
}

/// It is said why nobody is asked again.
#[test]
fn a_data_key_that_does_not_fit_may_leave_no_time_for_another_one() {
    let world = World::user();
    let (path, _) = merged(&world, &["0".to_owned(), "1".to_owned()]);
    let script = format!("#!/bin/sh\ncat > /dev/null\necho '{{\"id\":0,\"data_key\":\"{OTHER_KEY}\"}}'\n");
    let manifest = with(scripted(&world, &script), "timeout", json!(1)).without("ageKeyFile");
    let said = world.run(&manifest.secret("s", &path, "database/host"));
    let told = "other entries of the file did not open: not asked, because no time was left after another entry had opened; raise \
        sops.keyServices.timeout";
    assert!(said.code == Some(1) && said.err.contains(told), "{said:?}");
}

/// A share that a key of this host gives may be one of an older version of the file.
#[test]
fn entries_of_a_group_that_was_open_before_are_asked_for_if_the_shares_do_not_fit() {
    if !has("age") {
        return;
    }
    let world = World::user();
    let mut file: Value = serde_json::from_str(&fs::read_to_string(with_entries(&world, "f.json", "")).unwrap()).unwrap();
    // The data key of the file in the place of a share: what it takes for one has a wrong length, so a share is made of it.
    let kms = |enc| json!({"arn": ARN, "created_at": "2024-01-01T00:00:00Z", "enc": enc, "aws_profile": ""});
    let age = json!([{"recipient": OURS, "enc": encrypted_share(&world)}]);
    let metadata = file["sops"].as_object_mut().unwrap();
    metadata.remove("age");
    let groups = json!([{"age": age, "kms": [kms("first")]}, {"kms": [kms("second")]}]);
    metadata.extend([("shamir_threshold".to_owned(), json!(2)), ("key_groups".to_owned(), groups)]);
    let path = world.write("f.json", file.to_string());
    let log = world.write("log", "");
    let script = format!(
        "#!/bin/sh\n(cat; echo) >> {}\necho '{{\"id\":0,\"data_key\":\"{SHARE}\"}}'\n",
        log.display()
    );
    let said = world.run(&scripted(&world, &script).secret("s", &path, "database/host"));
    assert_eq!(said.code, Some(1), "{said:?}");
    let log = fs::read_to_string(log).unwrap();
    let asked = log.lines().map(|line| {
        let request: Value = serde_json::from_str(line).unwrap();
        let entries = request["entries"].as_array().unwrap();
        entries
            .iter()
            .map(|entry| entry["entry"]["kms"]["enc"].as_str().unwrap().to_owned())
            .collect()
    });
    assert_eq!(asked.collect::<Vec<Vec<_>>>(), [["second"], ["first"]]);
}

/// A share that fits nothing, encrypted to the key of the world.
fn encrypted_share(world: &World) -> String {
    let share = world.write("share", SHARE);
    let mut age = Command::new("sh");
    age.args(["-c", r#"base64 --decode "$1" | age --encrypt --armor --recipient "$0""#, OURS]);
    String::from_utf8(age.arg(share).output().unwrap().stdout).unwrap()
}

/// A share that fits nothing yet is no reason to ask again: the other group has to be opened first.
#[test]
fn the_program_is_not_started_again_while_too_few_key_groups_are_open() {
    let world = World::user();
    let path = with_entries(&world, "grouped.json", "");
    let mut file: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let entry = |enc| json!({"arn": ARN, "created_at": "2024-01-01T00:00:00Z", "enc": enc, "aws_profile": ""});
    let groups = json!([{"kms": [entry("opens"), entry("mute")]}, {"kms": [entry("denied")]}]);
    let metadata = file["sops"].as_object_mut().unwrap();
    metadata.remove("age");
    metadata.extend([("shamir_threshold".to_owned(), json!(2)), ("key_groups".to_owned(), groups)]);
    world.write("grouped.json", file.to_string());
    let log = world.write("log", "");
    let script = format!(
        "#!/bin/sh\n(cat; echo) >> {}\necho '{{\"id\":0,\"data_key\":\"{SHARE}\"}}'\necho '{{\"id\":2,\"error\":{{\"cause\":\"denied\"}}}}'\n",
        log.display()
    );
    let said = world.run(
        &scripted(&world, &script)
            .without("ageKeyFile")
            .secret("s", &path, "database/host"),
    );
    assert!(said.code == Some(1) && said.err.contains("  (denied)"), "{said:?}");
    let log = fs::read_to_string(log).unwrap();
    let [request] = *log.lines().collect::<Vec<_>>() else {
        panic!("{log}")
    };
    let request: Value = serde_json::from_str(request).unwrap();
    assert_eq!(request["entries"].as_array().unwrap().len(), 3);
}

/// Whoever changes a file chooses how many entries it has.
#[test]
fn of_many_refusals_beside_a_data_key_that_does_not_fit_three_are_told() {
    let world = World::user();
    let encs: Vec<_> = (0..64).map(|number| number.to_string()).collect();
    let (path, _) = merged(&world, &encs);
    let mut script = format!("#!/bin/sh\ncat > /dev/null\necho '{{\"id\":0,\"data_key\":\"{OTHER_KEY}\"}}'\n");
    let refusal = |id: u32| format!("echo '{{\"id\":{id},\"error\":{{\"cause\":\"refusal {}\"}}}}'\n", id / 2);
    script.extend((1..64).map(refusal));
    let said = world.run(
        &scripted(&world, &script)
            .without("ageKeyFile")
            .secret("s", &path, "database/host"),
    );
    let told = "other entries of the file did not open: refusal 0; refusal 1; refusal 2; and 29 more; ";
    assert!(said.code == Some(1) && said.err.contains(told), "{said:?}");
}

/// A data key of another file, and a share of some data key, in base64.
const OTHER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const SHARE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g";

/// The data key that age decrypts with the key of the world, in base64.
fn data_key(world: &World, encrypted: &str) -> String {
    let message = world.write("message", encrypted);
    let mut age = Command::new("sh");
    age.args(["-c", r#"age --decrypt --identity "$0" "$1" | base64 --wrap 0"#]);
    let output = age.arg(world.fixture("keys/age.txt")).arg(message).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}
