//! Azure Key Vault: what identifies a host, where its token goes, and what refusals mean. The tests play Azure, with real RSA: see `azure.py`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test that cannot go on fails.

mod common;

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use common::{Run, has, request, run};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Plays Azure.
const SERVER: &str = include_str!("../../tests/keys/services/azure.py");
const TENANT: &str = "11111111-2222-3333-4444-555555555555";
const CLIENT: &str = "66666666-7777-8888-9999-aaaaaaaaaaaa";
const VERSION: &str = "0123456789abcdef0123456789abcdef";
const DATA_KEY: &[u8] = b"0123456789abcdef0123456789abcdef";

/// Azure, with its keys and its log in a directory.
struct Azure {
    child: Child,
    directory: TempDir,
    proxy: String,
    enc: String,
}

impl Drop for Azure {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Azure {
    /// `None` if a program for it is missing. `addresses`: those of a metadata service.
    fn start(addresses: &[&str]) -> Option<Self> {
        if !has("python3") || !has("openssl") {
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        let mut python = Command::new("python3");
        python.args(["-c", SERVER]).arg(directory.path()).args(addresses);
        let mut child = python.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        let proxy = format!("http://127.0.0.1:{}", port.trim());
        let enc = encrypted(&directory);
        Some(Self {
            child,
            directory,
            proxy,
            enc,
        })
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    fn entry(&self, vault: &str, name: &str, version: &str) -> Value {
        json!({ "azure_kv": { "vault_url": vault, "name": name, "version": version, "enc": self.enc } })
    }

    /// Asks with these variables for a key of an ordinary vault.
    fn ask(&self, variables: &[(&str, &str)]) -> Run {
        self.ask_for(
            variables,
            &request(&[self.entry("https://my-vault.vault.azure.net", "sops", VERSION)]),
        )
    }

    fn ask_for(&self, variables: &[(&str, &str)], asked: &Value) -> Run {
        let authorities = self.path("ca.pem");
        let fixed = [("HTTPS_PROXY", self.proxy.as_str()), ("SSL_CERT_FILE", &authorities)];
        run(&[&fixed, variables].concat(), asked)
    }

    /// What was asked since the last call of this function.
    fn log(&self) -> Vec<String> {
        let log = fs::read_to_string(self.path("log")).unwrap_or_default();
        let _ = fs::remove_file(self.path("log"));
        log.lines().map(ToOwned::to_owned).collect()
    }
}

/// The data key as the vault would have encrypted it.
fn encrypted(directory: &TempDir) -> String {
    let padding = ["rsa_padding_mode:oaep", "rsa_oaep_md:sha256", "rsa_mgf1_md:sha256"];
    let mut openssl = Command::new("openssl");
    openssl.args(["pkeyutl", "-encrypt", "-pubin", "-inkey", "vault.pub"]);
    openssl.args(padding.iter().flat_map(|option| ["-pkeyopt", option]));
    let pipes = openssl
        .current_dir(directory.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    child.stdin.take().unwrap().write_all(DATA_KEY).unwrap();
    BASE64_URL_SAFE_NO_PAD.encode(child.wait_with_output().unwrap().stdout)
}

fn data_key() -> String {
    BASE64_STANDARD.encode(DATA_KEY)
}

/// The names of an application.
const NAMES: [(&str, &str); 2] = [("AZURE_TENANT_ID", TENANT), ("AZURE_CLIENT_ID", CLIENT)];

fn named<'a>(further: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [&NAMES, further].concat()
}

fn with_secret() -> Vec<(&'static str, &'static str)> {
    named(&[("AZURE_CLIENT_SECRET", "right~ secret+/")])
}

#[test]
fn an_application_signs_in_with_a_secret_a_certificate_or_a_token() {
    let Some(azure) = Azure::start(&[]) else { return };
    let run = azure.ask(&with_secret());
    assert_eq!(run.data_key(0), data_key(), "{}", run.text);
    let call = format!("POST my-vault.vault.azure.net /keys/sops/{VERSION}/decrypt?api-version=7.4");
    let sign_in = format!("POST login.microsoftonline.com /{TENANT}/oauth2/v2.0/token without a token");
    assert_eq!(
        azure.log(),
        [format!("{call} without a token"), sign_in, format!("{call} with a token")]
    );
    let secret = azure.write("secret", "right~ secret+/\n");
    let token = azure.write("token", "federated\n");
    let certificate = azure.path("app.pem");
    for variables in [
        vec![("AZURE_CLIENT_SECRET_FILE", secret.as_str())],
        vec![("AZURE_CLIENT_CERTIFICATE_PATH", &certificate)],
        vec![
            ("AZURE_CLIENT_CERTIFICATE_PATH", &certificate),
            ("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN", "True"),
        ],
        vec![("AZURE_FEDERATED_TOKEN_FILE", &token)],
        vec![("AZURE_FEDERATED_TOKEN_FILE", &token), ("AZURE_TOKEN_CREDENTIALS", "prod")],
    ] {
        let run = azure.ask(&named(&variables));
        assert_eq!(run.data_key(0), data_key(), "{variables:?} {}", run.text);
    }
    let assertions = azure.log().into_iter().filter(|line| line.starts_with("an assertion"));
    let sent = assertions.collect::<Vec<_>>();
    assert_eq!(sent, ["an assertion without certificates", "an assertion with certificates"]);
    // The first one that there is counts, and no other one after it.
    let all = [
        ("AZURE_CLIENT_SECRET", "expired-secret"),
        ("AZURE_FEDERATED_TOKEN_FILE", token.as_str()),
    ];
    assert_eq!(azure.ask(&named(&all)).error(0, "kind"), "bad_credentials");
    let chosen = [all.as_slice(), &[("AZURE_TOKEN_CREDENTIALS", "WorkloadIdentityCredential")]].concat();
    assert_eq!(azure.ask(&named(&chosen)).data_key(0), data_key());
}

#[test]
fn a_key_without_a_version_and_vaults_of_other_kinds_are_asked() {
    let Some(azure) = Azure::start(&[]) else { return };
    let own = "https://v.vault.corp.example";
    let mut asked = request(&[
        azure.entry("https://my-vault.vault.azure.net/", "sops", ""),
        azure.entry("https://my-vault.managedhsm.azure.net", "sops", VERSION),
        azure.entry(own, "sops", VERSION),
        azure.entry("https://v.vault.azure.cn", "sops", VERSION),
    ]);
    asked["allowed_endpoints"] = json!([own]);
    let run = azure.ask_for(&with_secret(), &asked);
    // What is listed for another service, as for HashiCorp Vault, gets no token for whatever it names.
    assert_eq!(
        run.error(2, "cause") + "; " + &run.error(2, "remedy"),
        format!(
            "{own} wants a token for https://vault.corp.example, and nobody has allowed that it gets one; if that is the service above your server, \
             add https://vault.corp.example to sops.keyServices.allowedEndpoints, too"
        )
    );
    asked["allowed_endpoints"] = json!([own, "https://vault.corp.example"]);
    let run = azure.ask_for(&with_secret(), &asked);
    for id in 0..3 {
        assert_eq!(run.data_key(id), data_key());
    }
    assert_eq!(run.error(3, "kind"), "no_credentials");
    assert_eq!(
        run.error(3, "remedy"),
        "if this host has an application there, set sops.keyServices.azure.authorityHost to https://login.chinacloudapi.cn"
    );
    let china = [("AZURE_AUTHORITY_HOST", "https://login.chinacloudapi.cn/")];
    let run = azure.ask_for(&[with_secret().as_slice(), &china].concat(), &asked);
    assert_eq!(run.data_key(3), data_key());
}

#[test]
fn one_token_is_enough_for_many_keys() {
    let Some(azure) = Azure::start(&[]) else { return };
    let vault = "https://my-vault.vault.azure.net";
    let names = ["sops", "a", "b", "c", "d", "e", "f", "g"];
    let run = azure.ask_for(&with_secret(), &request(&names.map(|name| azure.entry(vault, name, ""))));
    assert!((0..8).all(|id| run.data_key(id) == data_key()), "{}", run.text);
    let log = azure.log();
    assert_eq!(log.iter().filter(|line| line.contains("/oauth2/")).count(), 1, "{log:?}");
    assert_eq!(log.len(), 10, "{log:?}");
}

#[test]
fn no_token_goes_to_a_vault_that_wants_one_for_something_else() {
    let Some(azure) = Azure::start(&[]) else { return };
    let run = azure.ask_for(
        &with_secret(),
        &request(&[azure.entry("https://greedy.vault.azure.net", "sops", VERSION)]),
    );
    assert_eq!(
        run.error(0, "cause"),
        "https://greedy.vault.azure.net wants a token for https://management.azure.com, to which it does not belong, so it gets none"
    );
    assert_eq!(azure.log().len(), 1);
    for url in [
        "https://evil.example",
        "https://v.vault.azure.net.evil.example",
        "http://v.vault.azure.net",
    ] {
        let run = azure.ask_for(&with_secret(), &request(&[azure.entry(url, "sops", VERSION)]));
        assert_eq!(run.error(0, "kind"), "address_refused");
    }
    let run = azure.ask_for(
        &with_secret(),
        &request(&[azure.entry("https://v.vault.azure.net", "..", "secrets")]),
    );
    assert_eq!(run.error(0, "kind"), "bad_metadata");
    assert_eq!(azure.log(), Vec::<String>::new());
}

/// A key service of sops would send its own token there.
#[test]
fn no_key_service_is_asked_for_a_vault_that_nobody_allows() {
    let Some(azure) = Azure::start(&[]) else { return };
    let ask = |url: &str, name: &str| {
        let mut asked = request(&[azure.entry(url, name, "")]);
        asked["key_services"] = json!(["unix:///nonexistent/socket"]);
        azure.ask_for(&[("AZURE_TOKEN_CREDENTIALS", "prod"), ("MSI_ENDPOINT", "http://x")], &asked)
    };
    assert_eq!(ask("https://evil.example", "sops").error(0, "kind"), "address_refused");
    assert_eq!(ask("https://v.vault.azure.net", "..").error(0, "kind"), "bad_metadata");
    let run = ask("https://v.vault.azure.net", "sops");
    assert!(
        run.error(0, "cause")
            .contains("; the key service at unix:///nonexistent/socket: "),
        "{}",
        run.text
    );
}

#[test]
fn a_machine_has_an_identity_of_its_own() {
    if env::var_os("IN_NETWORK_OF_ITS_OWN").is_none() {
        return in_a_network_of_its_own("a_machine_has_an_identity_of_its_own");
    }
    let Some(azure) = Azure::start(&["169.254.169.254"]) else {
        return;
    };
    let managed = "the managed identity of this machine";
    let run = azure.ask(&[]);
    assert_eq!(run.data_key(0), data_key(), "{}", run.text);
    let log = azure.log();
    let metadata = "GET here /metadata/identity/oauth2/token";
    let resource = "api-version=2018-02-01&resource=https%3A%2F%2Fvault.azure.net";
    assert_eq!(
        log[..2],
        [
            format!("{metadata} without a token"),
            format!("{metadata}?{resource} without a token")
        ]
    );
    assert_eq!(log.len(), 3, "{log:?}");
    // The client is the identity, if the machine has several.
    assert_eq!(azure.ask(&[("AZURE_CLIENT_ID", CLIENT)]).data_key(0), data_key());
    let run = azure.ask(&[("AZURE_CLIENT_ID", "a secret by mistake")]);
    assert_eq!(run.error(0, "kind"), "no_credentials");
    assert!(
        run.error(0, "cause")
            .contains("a managed identity (the machine has none, or not this one: Identity not found);")
            && !run.text.contains("by mistake"),
        "{}",
        run.text
    );
    let service = [
        ("IDENTITY_ENDPOINT", format!("{}/msi/token", azure.proxy)),
        ("IDENTITY_HEADER", "header".to_owned()),
    ];
    let service = service.each_ref().map(|(name, value)| (*name, value.as_str()));
    azure.log();
    assert_eq!(azure.ask(&service).data_key(0), data_key());
    assert!(azure.log()[0].starts_with("GET here /msi/token?api-version=2019-08-01&"));
    let denied = azure.ask_for(
        &[],
        &request(&[azure.entry("https://my-vault.vault.azure.net", "denied", "")]),
    );
    assert_eq!(denied.error(0, "identity"), managed);
}

/// Runs the test `name` again where the address of metadata services is this host.
fn in_a_network_of_its_own(name: &str) {
    if !has("unshare") || !has("ip") {
        return;
    }
    let is_root = rustix::process::geteuid().is_root();
    let script = r#"ip link set lo up && ip addr add 169.254.169.254/32 dev lo && exec "$0" --exact "$1" --nocapture"#;
    let mut moved = Command::new("unshare");
    moved.args(["--net", if is_root { "--" } else { "--map-root-user" }, "sh", "-c", script]);
    moved
        .arg(env::current_exe().unwrap())
        .arg(name)
        .env("IN_NETWORK_OF_ITS_OWN", "1");
    let output = moved.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn a_refusal_says_who_asked_and_what_to_do() {
    let Some(azure) = Azure::start(&[]) else { return };
    let refused = |variables: &[(&str, &str)]| {
        let run = azure.ask(variables);
        let part = |part| run.error(0, part);
        (part("kind"), part("cause") + "; " + &part("remedy"))
    };
    let wrong = refused(&named(&[("AZURE_CLIENT_SECRET", "not-it")]));
    assert_eq!(wrong.0, "bad_credentials");
    assert!(
        wrong
            .1
            .ends_with("is not one of the application: use the value of the secret, and not its number"),
        "{}",
        wrong.1
    );
    assert!(!wrong.1.contains("not-it"));
    let late = azure.write("late", "late");
    let (kind, words) = refused(&named(&[("AZURE_FEDERATED_TOKEN_FILE", &late)]));
    assert_eq!(kind, "clock");
    assert!(
        words.contains(". the clock of this host says 20") && words.contains(", that of Azure "),
        "{words}"
    );
    let elsewhere = [
        ("AZURE_TENANT_ID", "contoso.onmicrosoft.com"),
        ("AZURE_CLIENT_ID", CLIENT),
        ("AZURE_CLIENT_SECRET", "x"),
    ];
    assert_eq!(refused(&elsewhere).1, "AADSTS90002: Tenant not found.; check AZURE_TENANT_ID");
    let other = [
        ("AZURE_TENANT_ID", TENANT),
        ("AZURE_CLIENT_ID", "other"),
        ("AZURE_CLIENT_SECRET", "x"),
    ];
    assert!(refused(&other).1.contains("the application is of another tenant, or gone"));
    let person = named(&[("AZURE_USERNAME", "me"), ("AZURE_PASSWORD", "p")]);
    let half = named(&[("AZURE_USERNAME", "me"), ("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")]);
    assert_eq!(refused(&half).0, "no_credentials");
    assert_eq!(refused(&person).0, "not_spoken");
    assert_eq!(refused(&[("AZURE_TOKEN_CREDENTIALS", "AzureCLICredential")]).0, "not_spoken");
    let half = [
        ("AZURE_CLIENT_SECRET", "x"),
        ("AZURE_CLIENT_ID", CLIENT),
        ("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential"),
    ];
    assert!(
        refused(&half)
            .1
            .contains("looked for AZURE_CLIENT_SECRET (without AZURE_TENANT_ID), ")
    );
}

#[test]
fn a_file_that_cannot_be_used_is_named() {
    let Some(azure) = Azure::start(&[]) else { return };
    let why = |variable: &str, path: &str| {
        let run = azure.ask(&named(&[(variable, path)]));
        run.error(0, "cause") + "; " + &run.error(0, "remedy")
    };
    for variable in [
        "AZURE_CLIENT_SECRET_FILE",
        "AZURE_CLIENT_CERTIFICATE_PATH",
        "AZURE_FEDERATED_TOKEN_FILE",
    ] {
        let missing = why(variable, "/gone");
        assert!(
            missing.starts_with("/gone: No such file or directory (os error 2); correct "),
            "{missing}"
        );
        let path = azure.write("open", "x");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        let writable = why(variable, &path);
        assert!(
            writable.starts_with(&format!("{path}: others than its owner may write it; ")),
            "{writable}"
        );
        fs::remove_file(path).unwrap();
    }
    let pfx: PathBuf = azure.path("app.pfx").into();
    fs::write(&pfx, [0x30, 0x82, 0xff]).unwrap();
    let pfx = why("AZURE_CLIENT_CERTIFICATE_PATH", pfx.to_str().unwrap());
    assert!(
        pfx.contains(" is no PEM file, and this program does not read PFX (PKCS#12); make one of it: "),
        "{pfx}"
    );
    // The key of another certificate.
    let text = fs::read_to_string(azure.path("ca.pem")).unwrap() + &fs::read_to_string(azure.path("app.key")).unwrap();
    let stray = azure.write("stray.pem", &text);
    let stray = why("AZURE_CLIENT_CERTIFICATE_PATH", &stray);
    assert!(stray.contains("has no certificate of its private key"), "{stray}");
}
