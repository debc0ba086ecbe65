//! Vault and OpenBao transit: which server is asked, with which token. The server is played by the tests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test that cannot go on fails.

mod common;

use std::{fs, io::ErrorKind, net::TcpListener, os::unix::fs::PermissionsExt as _};

use common::{Question, Run, Server, request, run, vault};
use serde_json::json;

fn opening() -> Server {
    Server::new(|_| (200, "", json!({ "data": { "plaintext": "a2V5" } }).to_string()))
}

/// Asks `server` for a key that a file says is at `address`, and returns what the server was asked.
fn ask(server: &Server, address: &str, variables: &[(&str, &str)]) -> (Vec<Question>, Run) {
    let run = run(variables, &request(&[vault(address)]));
    (server.asked(), run)
}

#[test]
fn a_key_is_asked_for_as_sops_does() {
    let server = opening();
    let variables = [
        ("VAULT_ADDR", server.url.as_str()),
        ("VAULT_TOKEN", "tok"),
        ("VAULT_NAMESPACE", "team/a"),
    ];
    let (asked, run) = ask(&server, &server.url, &variables);
    assert_eq!(run.data_key(0), "a2V5");
    let [question] = asked.as_slice() else {
        panic!("{}", run.text)
    };
    assert_eq!(question.line, "PUT /v1/a/transit/decrypt/sops");
    assert_eq!(question.body, r#"{"ciphertext":"vault:v1:x"}"#);
    let headers = ["x-vault-request", "x-vault-token", "x-vault-namespace"].map(|name| question.headers[name].as_str());
    assert_eq!(headers, ["true", "tok", "team/a"]);
}

#[test]
fn a_token_does_not_travel_to_an_address_of_the_file() {
    let server = opening();
    let (asked, run) = ask(
        &server,
        &server.url,
        &[("VAULT_TOKEN", "tok"), ("VAULT_ADDR", "http://127.0.0.1:1")],
    );
    assert!(asked.is_empty());
    assert_eq!(run.error(0, "kind"), "address_refused");
    let remedy = format!(
        "if that is your server, add {} to sops.keyServices.allowedEndpoints",
        server.url
    );
    assert_eq!(run.error(0, "remedy"), remedy);
}

/// A key service of sops would send its own token there.
#[test]
fn no_key_service_is_asked_for_an_address_that_nobody_allows() {
    let service = TcpListener::bind("127.0.0.1:0").unwrap();
    service.set_nonblocking(true).unwrap();
    let mut asked = request(&[vault("http://vault.example.com:8200")]);
    asked["key_services"] = json!([format!("tcp://{}", service.local_addr().unwrap())]);
    asked["timeout_seconds"] = json!(2);
    assert_eq!(run(&[("VAULT_TOKEN", "tok")], &asked).error(0, "kind"), "address_refused");
    // Nor is it where an agent is asked in the place of that address, and cannot be.
    let socket = run(&[("VAULT_AGENT_ADDR", "unix:///run/agent.sock")], &asked);
    assert_eq!(socket.error(0, "kind"), "not_spoken");
    let missing = [("VAULT_AGENT_ADDR", "http://127.0.0.1:1"), ("VAULT_TOKEN_FILE", "/gone")];
    assert_eq!(run(&missing, &asked).error(0, "kind"), "no_credentials");
    // Nor for a key that it would take for a path.
    let mut path = asked.clone();
    path["allowed_endpoints"] = json!(["http://vault.example.com:8200"]);
    path["entries"][0]["entry"]["hc_vault"]["key_name"] = json!("../../auth/token/revoke-self");
    assert_eq!(run(&[], &path).error(0, "kind"), "bad_metadata");
    assert_eq!(service.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    // It is asked where there is no token for an address that is allowed.
    asked["allowed_endpoints"] = json!(["http://vault.example.com:8200"]);
    assert_eq!(run(&[], &asked).error(0, "kind"), "unreachable");
    assert!(service.accept().is_ok());
}

#[test]
fn a_variable_that_is_not_obeyed_is_named_if_the_server_does_not_answer() {
    let gone = "http://127.0.0.1:1";
    let variables = [("VAULT_ADDR", gone), ("VAULT_TOKEN", "tok"), ("VAULT_SKIP_VERIFY", "true")];
    let run = run(&variables, &request(&[vault(gone)]));
    let cause = run.error(0, "cause");
    assert!(
        cause.ends_with("; VAULT_SKIP_VERIFY is set, which this program does not obey"),
        "{cause}"
    );
}

#[test]
fn an_agent_goes_before_the_address_of_the_file() {
    let server = opening();
    let (asked, run) = ask(&server, "https://vault.example.com", &[("VAULT_AGENT_ADDR", &server.url)]);
    assert_eq!(run.data_key(0), "a2V5");
    assert!(!asked[0].headers.contains_key("x-vault-token"));
}

#[test]
fn a_token_may_be_in_a_file() {
    let (server, home) = (opening(), tempfile::tempdir().unwrap());
    let variables = [("VAULT_ADDR", server.url.as_str()), ("HOME", home.path().to_str().unwrap())];
    let (_, run) = ask(&server, &server.url, &variables);
    let path = home.path().join(".vault-token");
    let places = format!(
        "VAULT_TOKEN, VAULT_TOKEN_FILE, {}, and an agent in VAULT_AGENT_ADDR",
        path.display()
    );
    assert_eq!(run.error(0, "cause"), format!("no token for Vault: looked for {places}"));
    fs::write(&path, "from-file\n").unwrap();
    let (asked, run) = ask(&server, &server.url, &variables);
    assert_eq!(run.data_key(0), "a2V5");
    assert_eq!(asked[0].headers["x-vault-token"], "from-file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o602)).unwrap();
    let (asked, run) = ask(&server, &server.url, &variables);
    assert_eq!(asked.len(), 1);
    let why = format!("{}: others than its owner may write it", path.display());
    assert_eq!(run.error(0, "cause"), why);
}

#[test]
fn a_socket_of_an_agent_is_not_spoken_to() {
    let server = opening();
    let (asked, run) = ask(
        &server,
        &server.url,
        &[("VAULT_AGENT_ADDR", "unix:///run/agent"), ("VAULT_TOKEN", "t")],
    );
    assert!(asked.is_empty());
    assert_eq!(
        run.error(0, "cause"),
        "VAULT_AGENT_ADDR names a Unix socket, which this program does not speak to"
    );
}
