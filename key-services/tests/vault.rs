//! Vault and OpenBao transit: which server is asked, with which token. The server is played by the tests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test that cannot go on fails.

mod common;

use std::{
    fs,
    io::{self, ErrorKind},
    net::{Shutdown, TcpListener, TcpStream},
    os::unix::{fs::PermissionsExt as _, net::UnixListener},
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use common::{Question, Run, Server, request, run, vault};
use serde_json::{Value, json};

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
    assert_eq!(socket.error(0, "kind"), "unreachable");
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
        "VAULT_TOKEN, VAULT_TOKEN_FILE, VAULT_ROLE_ID, VAULT_KUBERNETES_ROLE, {}, and an agent in VAULT_AGENT_ADDR",
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

/// A socket in `directory` that leads to `server`; returns its address.
fn socket(directory: &Path, server: &Server) -> String {
    let path = directory.join("agent");
    let (listener, server) = (
        UnixListener::bind(&path).unwrap(),
        server.url.strip_prefix("http://").unwrap().to_owned(),
    );
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let server = TcpStream::connect(&server).unwrap();
            let (mut question, mut to) = (stream.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || io::copy(&mut question, &mut to));
            let (mut answer, mut back) = (server, stream);
            thread::spawn(move || {
                let _ = io::copy(&mut answer, &mut back);
                back.shutdown(Shutdown::Both)
            });
        }
    });
    format!("unix://{}", path.display())
}

#[test]
fn an_agent_may_be_at_a_socket() {
    let (server, directory) = (opening(), tempfile::tempdir().unwrap());
    let agent = socket(directory.path(), &server);
    let entries = ["1", "2"].map(|enc| {
        let mut entry = vault("https://vault.example.com");
        entry["hc_vault"]["enc"] = json!(enc);
        entry
    });
    let outcome = run(&[("VAULT_AGENT_ADDR", &agent), ("VAULT_NAMESPACE", "a")], &request(&entries));
    assert_eq!([outcome.data_key(0), outcome.data_key(1)], ["a2V5", "a2V5"]);
    let question = &server.asked()[0];
    assert_eq!(question.line, "PUT /v1/a/transit/decrypt/sops");
    assert_eq!(
        [&question.headers["host"], &question.headers["x-vault-namespace"]],
        ["localhost", "a"]
    );
    assert!(!question.headers.contains_key("x-vault-token"));
    // A proxy has no part in it.
    let proxied = run(
        &[("VAULT_AGENT_ADDR", &agent), ("HTTP_PROXY", "http://127.0.0.1:1")],
        &request(&entries[..1]),
    );
    assert_eq!(proxied.data_key(0), "a2V5");

    let missing = run(&[("VAULT_AGENT_ADDR", "unix:///nonexistent/agent")], &request(&entries[..1]));
    assert_eq!(
        missing.error(0, "cause"),
        "unix:///nonexistent/agent: No such file or directory (os error 2)"
    );
    assert_eq!(missing.error(0, "kind"), "unreachable");
    let mute = directory.path().join("mute");
    let _listener = UnixListener::bind(&mute).unwrap();
    let mute = format!("unix://{}", mute.display());
    let mut asked = request(&entries[..1]);
    asked["timeout_seconds"] = json!(1);
    let late = run(&[("VAULT_AGENT_ADDR", &mute)], &asked);
    assert_eq!(late.error(0, "cause"), format!("{mute} did not answer in time"));
    let odd = run(&[("VAULT_AGENT_ADDR", "unix://agent")], &asked);
    assert!(
        odd.error(0, "cause")
            .starts_with("VAULT_AGENT_ADDR is neither an address of HTTP nor unix:///path"),
        "{}",
        odd.text
    );
}

/// A Vault where this host may sign in: by the secret of a role, or the token of a pod.
fn with_logins() -> Server {
    Server::new(|question| {
        let body = serde_json::from_str::<Value>(&question.body).unwrap_or_default();
        let is_signed_in = question
            .headers
            .get("x-vault-token")
            .is_some_and(|token| token == "hvs.issued");
        let (method, path) = question.line.split_once(" /v1/").unwrap();
        let is_right = match path {
            "auth/approle/login" => body == json!({ "role_id": "the-role", "secret_id": "the-secret" }),
            "auth/team/open/login" => body == json!({ "role_id": "the-role" }),
            "auth/kubernetes/login" => body == json!({ "role": "web", "jwt": "a.b.c" }),
            "a/transit/decrypt/sops" if is_signed_in => return (200, "", json!({ "data": { "plaintext": "a2V5" } }).to_string()),
            _ => return (404, "", json!({ "errors": ["no handler for route"] }).to_string()),
        };
        assert_eq!(method, "PUT");
        if is_right && question.headers.get("x-vault-namespace").is_none_or(|name| name == "a") {
            return (
                200,
                "",
                json!({ "auth": { "client_token": "hvs.issued", "policies": ["sops"] } }).to_string(),
            );
        }
        (
            400,
            "",
            json!({ "errors": [format!("invalid role or secret ID: {body}")] }).to_string(),
        )
    })
}

#[test]
fn a_host_signs_in_once_as_a_role() {
    let (server, directory) = (with_logins(), tempfile::tempdir().unwrap());
    let file = directory.path().join("secret");
    fs::write(&file, "the-secret\n").unwrap();
    let (home, file) = (directory.path().to_str().unwrap(), file.to_str().unwrap());
    // What lies in the home directory is not what the configuration names.
    fs::write(directory.path().join(".vault-token"), "other").unwrap();
    let entries = (0..9).map(|number| {
        let mut entry = vault(&server.url);
        entry["hc_vault"]["enc"] = json!(number.to_string());
        entry
    });
    let asked = request(&entries.collect::<Vec<_>>());
    let ask = |variables: &[(&str, &str)]| {
        let fixed = [
            ("VAULT_ADDR", server.url.as_str()),
            ("HOME", home),
            ("VAULT_ROLE_ID", "the-role"),
        ];
        run(&[&fixed, variables].concat(), &asked)
    };
    let outcome = ask(&[("VAULT_SECRET_ID_FILE", file), ("VAULT_NAMESPACE", "a")]);
    for id in 0..9 {
        assert_eq!(outcome.data_key(id), "a2V5");
    }
    let logins = server
        .asked()
        .iter()
        .filter(|question| question.line.ends_with("/login"))
        .count();
    assert_eq!((logins, server.asked().len()), (1, 10));
    assert_eq!(ask(&[("VAULT_SECRET_ID", "the-secret")]).data_key(0), "a2V5");
    assert_eq!(ask(&[("VAULT_AUTH_PATH", "team/open/")]).data_key(8), "a2V5");

    // An agent signs in by itself: the secret does not travel to it.
    let agent = opening();
    let by_agent = ask(&[("VAULT_SECRET_ID_FILE", "/nonexistent"), ("VAULT_AGENT_ADDR", &agent.url)]);
    assert_eq!(by_agent.data_key(0), "a2V5");
    assert!(
        agent
            .asked()
            .iter()
            .all(|question| question.line == "PUT /v1/a/transit/decrypt/sops")
    );
    // A token that somebody gives goes before a login.
    assert_eq!(ask(&[("VAULT_TOKEN", "hvs.issued")]).data_key(0), "a2V5");
    let wrong = ask(&[("VAULT_SECRET_ID", "wrong-secret")]);
    assert_eq!(wrong.error(0, "kind"), "bad_credentials");
    assert_eq!(wrong.error(0, "status"), "HTTP 400");
    assert_eq!(
        wrong.error(0, "identity"),
        "a token for the role in VAULT_ROLE_ID, from auth/approle/login"
    );
    assert!(
        wrong
            .error(0, "remedy")
            .starts_with("correct the role and what this host proves it by, "),
        "{}",
        wrong.text
    );
    assert!(
        !wrong.text.contains("wrong-secret") && !wrong.text.contains("the-role"),
        "{}",
        wrong.text
    );
    let missing = ask(&[("VAULT_SECRET_ID_FILE", "/nonexistent")]);
    assert_eq!(missing.error(0, "kind"), "no_credentials");
    assert!(
        missing
            .error(0, "remedy")
            .starts_with("correct sops.keyServices.vault.secretIdFile"),
        "{}",
        missing.text
    );
    assert_eq!(
        ask(&[("VAULT_AUTH_PATH", "nowhere")]).error(0, "remedy"),
        "check VAULT_AUTH_PATH, and VAULT_NAMESPACE"
    );
    let empty = directory.path().join("empty");
    fs::write(&empty, "\n").unwrap();
    let empty = empty.to_str().unwrap();
    assert_eq!(
        ask(&[("VAULT_SECRET_ID_FILE", empty)]).error(0, "cause"),
        format!("{empty}: it is empty")
    );
    let both = ask(&[("VAULT_KUBERNETES_ROLE", "web")]);
    assert_eq!(both.error(0, "cause"), "VAULT_ROLE_ID and VAULT_KUBERNETES_ROLE are both set");
    for path in ["..", "a//b", "a/../../sys"] {
        assert_eq!(
            ask(&[("VAULT_AUTH_PATH", path)]).error(0, "cause"),
            "VAULT_AUTH_PATH is no path"
        );
    }
}

/// A server that is sealed, that stands by or that has too much to do has used nothing up.
#[test]
fn a_host_signs_in_again_if_the_server_puts_it_off() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("token");
    fs::write(&file, "a.b.c").unwrap();
    let app_role = [("VAULT_ROLE_ID", "the-role"), ("VAULT_SECRET_ID", "the-secret")];
    let pod = [
        ("VAULT_KUBERNETES_ROLE", "web"),
        ("VAULT_KUBERNETES_TOKEN_FILE", file.to_str().unwrap()),
    ];
    for (status, variables) in [(503, app_role), (429, pod)] {
        let put_off = AtomicUsize::new(2);
        let server = Server::new(move |question| {
            let is_login = question.line.ends_with("/login");
            let less_one = |left: usize| left.checked_sub(1);
            if is_login && put_off.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less_one).is_ok() {
                return (status, "", json!({ "errors": ["Vault is sealed"] }).to_string());
            }
            let token = json!({ "auth": { "client_token": "hvs.issued" }, "data": { "plaintext": "a2V5" } });
            (200, "", token.to_string())
        });
        let variables = [&[("VAULT_ADDR", server.url.as_str())], variables.as_slice()].concat();
        let (asked, run) = ask(&server, &server.url, &variables);
        assert_eq!(run.data_key(0), "a2V5");
        let logins = asked.iter().filter(|question| question.line.ends_with("/login")).count();
        assert_eq!((logins, asked.len()), (3, 4), "{status}");
    }
    // It does not do so for ever.
    let sealed = Server::new(|_| (503, "", json!({ "errors": ["Vault is sealed"] }).to_string()));
    let variables = [&[("VAULT_ADDR", sealed.url.as_str())], app_role.as_slice()].concat();
    let (asked, run) = ask(&sealed, &sealed.url, &variables);
    assert_eq!((asked.len(), run.error(0, "cause")), (3, "Vault is sealed".to_owned()));
    assert_eq!(run.error(0, "remedy"), "unseal the server");
}

/// A secret may be for a single use, and used up although the answer got lost.
#[test]
fn a_host_signs_in_no_second_time_if_its_secret_may_be_used_up() {
    for (status, body, told) in [
        (500, "", "the server gives no reason"),
        (502, "", "the server gives no reason"),
        (504, "", "the server gives no reason"),
        (
            200,
            r#"{"auth":{"client_token":""}}"#,
            " gave an answer to a login without a token",
        ),
        (200, "{", " gave an answer to a login without a token"),
    ] {
        let server = Server::new(move |_| (status, "", body.to_owned()));
        let variables = [
            ("VAULT_ADDR", server.url.as_str()),
            ("VAULT_ROLE_ID", "r"),
            ("VAULT_SECRET_ID", "the-secret"),
        ];
        let (asked, run) = ask(&server, &server.url, &variables);
        assert_eq!(asked.len(), 1, "{}", run.text);
        assert!(run.error(0, "cause").ends_with(told), "{}", run.text);
        assert!(run.error(0, "identity").starts_with("a token for the role"), "{}", run.text);
    }
    let cut = Server::new(|_| panic!("the connection ends here"));
    let variables = [
        ("VAULT_ADDR", cut.url.as_str()),
        ("VAULT_ROLE_ID", "r"),
        ("VAULT_SECRET_ID", "the-secret"),
    ];
    let (asked, run) = ask(&cut, &cut.url, &variables);
    assert_eq!(
        (asked.len(), run.error(0, "kind")),
        (1, "unreachable".to_owned()),
        "{}",
        run.text
    );
}

/// The secret of a role is as much worth as a token.
#[test]
fn nobody_signs_in_at_an_address_that_nobody_allows() {
    let server = with_logins();
    let variables = [("VAULT_ROLE_ID", "the-role"), ("VAULT_SECRET_ID", "the-secret")];
    let (asked, run) = ask(&server, &server.url, &variables);
    assert!(asked.is_empty());
    assert_eq!(run.error(0, "kind"), "address_refused");
}

#[test]
fn a_pod_signs_in_with_its_token() {
    let (server, directory) = (with_logins(), tempfile::tempdir().unwrap());
    let file = directory.path().join("token");
    fs::write(&file, "a.b.c").unwrap();
    let file = file.to_str().unwrap();
    let variables = [
        ("VAULT_ADDR", server.url.as_str()),
        ("VAULT_KUBERNETES_ROLE", "web"),
        ("VAULT_KUBERNETES_TOKEN_FILE", file),
    ];
    assert_eq!(ask(&server, &server.url, &variables).1.data_key(0), "a2V5");
    let (_, outside) = ask(&server, &server.url, &variables[..2]);
    let cause = "/var/run/secrets/kubernetes.io/serviceaccount/token: No such file or directory (os error 2)";
    assert_eq!(outside.error(0, "cause"), cause);
    fs::write(file, "x.y.z").unwrap();
    let (_, wrong) = ask(&server, &server.url, &variables);
    let identity = format!("a token for the role web, from auth/kubernetes/login for the token in {file}");
    assert_eq!(wrong.error(0, "identity"), identity);
    assert!(!wrong.text.contains("x.y.z"), "{}", wrong.text);
}
