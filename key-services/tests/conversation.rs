//! The conversation with the installer: what is read, what is answered, how often services are asked, and how long it takes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test that cannot go on fails.

mod common;

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    process::Command,
    thread,
    time::Duration,
};

use common::{Server, gcp_kms, has, kms, request, run, run_text, vault};
use serde_json::json;

const KEYS: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "secret-half"),
];

fn opening() -> Server {
    Server::new(|_| (200, "", json!({ "Plaintext": "a2V5" }).to_string()))
}

fn with<'a>(further: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [KEYS.as_slice(), further].concat()
}

#[test]
fn what_is_no_request_is_refused() {
    for (text, why) in [
        ("", "standard input has no request"),
        (
            "{\"version\":1,\"entries\":[{\"id\":0,\"group\":0,\"entry\":{\"pgp\":{}}}]}",
            "unknown variant `pgp`",
        ),
        (
            "{\"version\":2,\"entries\":[]}",
            "the request is of version 2, and this program has 1",
        ),
        ("{\"version\":1,\"entries\":[],\"x\":1}", "unknown field `x`"),
    ] {
        let run = run_text(&[], text);
        assert!(!run.is_success && run.text.contains(why), "{text}: {}", run.text);
    }
}

#[test]
fn variables_are_in_the_request_and_in_a_file() {
    let server = opening();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("env");
    std::fs::write(
        &file,
        "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE\n# the other half\nAWS_SECRET_ACCESS_KEY=\"secret-half\"\n",
    )
    .unwrap();
    let mut asked = request(&[kms("YQ==")]);
    asked["environment"] = json!({ "AWS_ENDPOINT_URL": server.url, "AWS_ACCESS_KEY_ID": "AKIAOTHER" });
    asked["environment_file"] = json!(file);
    assert_eq!(run(&[], &asked).data_key(0), "a2V5");
    let signature = &server.asked()[0].headers["authorization"];
    assert!(signature.contains("Credential=AKIAIOSFODNN7EXAMPLE/"), "{signature}");
    std::fs::write(&file, "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE\nsecret-half\n").unwrap();
    let run = run(&[], &asked);
    assert!(
        !run.is_success
            && run
                .text
                .contains("env: line 2 has not the form NAME=VALUE; correct sops.keyServices.environmentFile")
    );
    assert!(!run.text.contains("secret-half"), "{}", run.text);
}

#[test]
fn a_file_of_variables_that_others_may_write_is_not_used() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("env");
    std::fs::write(&file, "VAULT_ADDR=http://evil.example\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o646)).unwrap();
    let mut asked = request(&[kms("YQ==")]);
    asked["environment_file"] = json!(file);
    let run = run(&[], &asked);
    assert!(
        !run.is_success && run.text.contains("env: others than its owner may write it; correct"),
        "{}",
        run.text
    );
}

#[test]
fn nothing_to_open_is_no_failure() {
    let run = run(&[], &request(&[]));
    assert!(run.is_success && run.text.is_empty());
}

#[test]
fn equal_entries_are_asked_for_once() {
    let server = opening();
    let run = run(
        &with(&[("AWS_ENDPOINT_URL", &server.url)]),
        &request(&[kms("YQ=="), kms("Yg=="), kms("YQ=="), kms("YQ==")]),
    );
    assert_eq!((0..4).map(|id| run.data_key(id)).collect::<Vec<_>>(), ["a2V5"; 4]);
    assert_eq!(server.asked().len(), 2);
}

#[test]
fn entries_are_asked_for_side_by_side() {
    let server = Server::new(|_| {
        thread::sleep(Duration::from_millis(500));
        (200, "", json!({ "Plaintext": "a2V5" }).to_string())
    });
    let entries = (0..20).map(|number| kms(&number.to_string())).collect::<Vec<_>>();
    let run = run(&with(&[("AWS_ENDPOINT_URL", &server.url)]), &request(&entries));
    assert_eq!(run.lines.len(), 20);
    assert!(run.time < Duration::from_secs(3), "{:?}", run.time);
}

#[test]
fn a_silent_service_holds_up_no_other() {
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let mute_url = format!("http://{}", mute.local_addr().unwrap());
    let server = opening();
    let mut entries = (0..100).map(|_| vault(&mute_url)).collect::<Vec<_>>();
    for (number, entry) in entries.iter_mut().enumerate() {
        entry["hc_vault"]["enc"] = json!(number.to_string());
    }
    entries.push(kms("YQ=="));
    let mut request = request(&entries);
    request["timeout_seconds"] = json!(2);
    request["allowed_endpoints"] = json!([mute_url]);
    let run = run(&with(&[("AWS_ENDPOINT_URL", &server.url), ("VAULT_TOKEN", "t")]), &request);
    assert_eq!(run.data_key(100), "a2V5");
    assert_eq!(run.error(0, "kind"), "unreachable");
    assert_eq!(run.error(99, "cause"), format!("{mute_url} did not answer in time"));
    assert!((2.0..4.0).contains(&run.time.as_secs_f64()), "{:?}", run.time);
}

#[test]
fn nobody_waits_for_an_entry_of_a_group_that_is_open() {
    let (server, silent) = (opening(), TcpListener::bind("127.0.0.1:0").unwrap());
    let mute = format!("http://{}", silent.local_addr().unwrap());
    let mut asked = request(&[kms("YQ=="), vault(&mute)]);
    asked["allowed_endpoints"] = json!([mute]);
    asked["entries"][1]["group"] = json!(0);
    let run = run(&with(&[("AWS_ENDPOINT_URL", &server.url), ("VAULT_TOKEN", "t")]), &asked);
    assert_eq!(run.data_key(0), "a2V5");
    assert_eq!(run.lines.len(), 1);
    assert!(run.is_success && run.time < Duration::from_secs(5), "{:?}", run.time);
}

#[test]
fn a_connection_that_breaks_off_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let body = json!({ "Plaintext": "a2V5" }).to_string();
        let answer = format!(
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        for said in ["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", answer.as_str()] {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]);
            stream.write_all(said.as_bytes()).unwrap();
        }
    });
    assert_eq!(
        run(&with(&[("AWS_ENDPOINT_URL", &url)]), &request(&[kms("YQ==")])).data_key(0),
        "a2V5"
    );
    server.join().unwrap();
}

#[test]
fn a_key_service_that_is_mute_leaves_time_to_the_next_one() {
    let (mute, gone) = (TcpListener::bind("127.0.0.1:0").unwrap(), "unix:///nonexistent/ks");
    let mut asked = request(&[kms("YQ=="), kms("Yg==")]);
    asked["key_services"] = json!([format!("tcp://{}", mute.local_addr().unwrap()), gone]);
    asked["timeout_seconds"] = json!(2);
    let run = run(&[("AWS_EC2_METADATA_DISABLED", "true")], &asked);
    let cause = run.error(0, "cause");
    assert!(
        cause.contains("did not answer in time; the key service at unix:///nonexistent/ks: No such file"),
        "{cause}"
    );
    assert!(run.time < Duration::from_millis(1900), "{:?}", run.time);
}

/// What the host may open is asked for before anybody else is asked about what it may not.
#[test]
fn a_key_service_that_is_mute_holds_up_no_entry_that_its_own_service_opens() {
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server::new(|question| {
        if question.body.contains("eu-central-1") {
            let refusal = json!({ "__type": "AccessDeniedException", "message": "no" });
            return (400, "", refusal.to_string());
        }
        (200, "", json!({ "Plaintext": "a2V5" }).to_string())
    });
    // More groups than entries are asked for at the same time. Entries are asked for in the order of their ARNs, so the refused ones come first.
    let of_region = |region: &str, group: usize| {
        let mut entry = kms(&group.to_string());
        entry["kms"]["arn"] = json!(common::ARN.replace("eu-west-1", region));
        entry
    };
    let entries = (0..66).flat_map(|group| [of_region("eu-central-1", group), of_region("us-east-1", group)]);
    let entries = entries.collect::<Vec<_>>();
    let mut asked = request(&entries);
    for id in 0..entries.len() {
        asked["entries"][id]["group"] = json!(id / 2);
    }
    asked["key_services"] = json!([format!("tcp://{}", mute.local_addr().unwrap())]);
    asked["timeout_seconds"] = json!(20);
    let variables = with(&[("AWS_ENDPOINT_URL", &server.url)]);
    let several = run(&variables, &asked);
    let opened = several.lines.values().filter(|line| line["data_key"] == "a2V5").count();
    assert_eq!(opened, 66, "{}", several.text);
    // The key service alone would take half of the time.
    assert!(several.time < Duration::from_secs(9), "{:?}", several.time);

    // What stays closed is passed on, and keeps the words of the refusal.
    let mut asked = request(&entries[..1]);
    asked["key_services"] = json!(["unix:///nonexistent/ks"]);
    let refused = run(&variables, &asked);
    let cause = refused.error(0, "cause");
    assert!(
        cause.contains("answered AccessDeniedException")
            && cause.contains("; the key service at unix:///nonexistent/ks: No such file"),
        "{cause}"
    );
    assert_eq!(refused.error(0, "kind"), "denied");
}

/// More entries than are asked for at a time, of a server that is silent, come before those of another one.
#[test]
fn a_server_that_is_silent_holds_up_no_other_of_its_service() {
    let (mute, good) = (TcpListener::bind("127.0.0.1:0").unwrap(), opening_vault());
    let mute = format!("http://{}", mute.local_addr().unwrap());
    // Entries are asked for in the order of their addresses.
    let good_url = good.url.replace("127.0.0.1", "localhost");
    let of = |url: &str, number: usize| {
        let mut entry = vault(url);
        entry["hc_vault"]["enc"] = json!(number.to_string());
        entry
    };
    let entries = (0..70).flat_map(|number| [of(&mute, number), of(&good_url, number)]);
    let entries = entries.collect::<Vec<_>>();
    let mut asked = request(&entries);
    for id in 0..entries.len() {
        asked["entries"][id]["group"] = json!(id / 2);
    }
    asked["allowed_endpoints"] = json!([mute, good_url]);
    asked["timeout_seconds"] = json!(20);
    let run = run(&[("VAULT_TOKEN", "t")], &asked);
    let opened = run.lines.values().filter(|line| line["data_key"] == "a2V5").count();
    assert_eq!(opened, 70, "{}", run.text);
    assert!(run.time < Duration::from_secs(15), "{:?}", run.time);
}

/// Whoever changes files chooses how many regions there are.
#[test]
fn many_places_of_one_service_hold_up_no_other_service() {
    let (mute, good) = (TcpListener::bind("127.0.0.1:0").unwrap(), opening_vault());
    let mute = format!("http://{}", mute.local_addr().unwrap());
    let of_region = |number: usize| {
        let mut entry = kms("YQ==");
        entry["kms"]["arn"] = json!(common::ARN.replace("eu-west-1", &format!("eu-west-{number}")));
        entry
    };
    let mut asked = request(&(0..300).map(of_region).chain([vault(&good.url)]).collect::<Vec<_>>());
    asked["allowed_endpoints"] = json!([good.url]);
    asked["timeout_seconds"] = json!(3);
    let run = run(&with(&[("AWS_ENDPOINT_URL", &mute), ("VAULT_TOKEN", "t")]), &asked);
    assert_eq!(run.data_key(300), "a2V5");
}

/// No key service may be asked for a Vault that nobody lists, so the agent has all of the time.
#[test]
fn an_agent_of_vault_has_all_of_the_time() {
    let agent = Server::new(|_| {
        thread::sleep(Duration::from_millis(2500));
        (200, "", json!({ "data": { "plaintext": "a2V5" } }).to_string())
    });
    let mut asked = request(&[vault("https://vault.example.com")]);
    asked["key_services"] = json!(["unix:///nonexistent/ks"]);
    asked["timeout_seconds"] = json!(4);
    assert_eq!(run(&[("VAULT_AGENT_ADDR", &agent.url)], &asked).data_key(0), "a2V5");
}

fn opening_vault() -> Server {
    Server::new(|_| (200, "", json!({ "data": { "plaintext": "a2V5" } }).to_string()))
}

/// Each service leaves time for those who know another way to it.
#[test]
fn a_key_service_is_asked_about_servers_that_are_silent() {
    let (mute, service) = (
        TcpListener::bind("127.0.0.1:0").unwrap(),
        TcpListener::bind("127.0.0.1:0").unwrap(),
    );
    service.set_nonblocking(true).unwrap();
    let mute = format!("http://{}", mute.local_addr().unwrap());
    let entries = (0..70).map(|number| kms(&number.to_string())).collect::<Vec<_>>();
    let mut asked = request(&entries);
    asked["key_services"] = json!([format!("tcp://{}", service.local_addr().unwrap())]);
    asked["timeout_seconds"] = json!(2);
    let run = run(&with(&[("AWS_ENDPOINT_URL", &mute)]), &asked);
    assert!(service.accept().is_ok(), "{}", run.text);
    let cause = run.error(69, "cause");
    assert!(
        cause.starts_with(&format!("{mute} did")) && cause.contains("; the key service at tcp://"),
        "{cause}"
    );
    assert!(run.time < Duration::from_secs(4), "{:?}", run.time);
}

#[test]
fn a_pipe_in_place_of_a_file_holds_up_nobody() {
    if !has("mkfifo") || !has("timeout") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe");
    let mut mkfifo = Command::new("mkfifo");
    assert!(mkfifo.args(["-m", "600"]).arg(&pipe).status().unwrap().success());
    let pipe = pipe.to_str().unwrap();
    let run = |variables: &[(&str, &str)], request: &serde_json::Value| {
        let mut command = Command::new("timeout");
        command.args(["5", env!("CARGO_BIN_EXE_sops-key-services")]).env_clear();
        common::feed(command.envs(variables.iter().copied()), &request.to_string())
    };
    let mut asked = request(&[kms("YQ==")]);
    asked["environment_file"] = json!(pipe);
    let said = run(&[], &asked);
    let why = format!("{pipe}: it is no regular file; correct sops.keyServices.environmentFile");
    assert!(!said.is_success && said.text.contains(&why), "{said:?}");
    let address = "https://127.0.0.1:1";
    for (variables, entry) in [
        (vec![("AWS_SHARED_CREDENTIALS_FILE", pipe)], kms("YQ==")),
        (vec![("GOOGLE_APPLICATION_CREDENTIALS", pipe)], gcp_kms("YQ==")),
        (vec![("VAULT_TOKEN_FILE", pipe)], vault(address)),
        (with(&[("SSL_CERT_FILE", pipe), ("AWS_ENDPOINT_URL", address)]), kms("YQ==")),
    ] {
        let mut asked = request(&[entry]);
        asked["allowed_endpoints"] = json!([address]);
        let said = run(&variables, &asked);
        assert!(said.is_success, "{variables:?}: {said:?}");
        let cause = said.error(0, "cause");
        assert!(cause.contains(": it is no regular file"), "{variables:?}: {cause}");
    }
}

#[test]
fn a_password_in_an_address_is_not_shown() {
    let variables = with(&[
        ("AWS_ENDPOINT_URL", "https://me:pass-word@a"),
        ("VAULT_AGENT_ADDR", "http://me:pass-word@a"),
    ]);
    let run = run(&variables, &request(&[kms("YQ=="), vault("https://a")]));
    assert!(!run.text.contains("pass-word"), "{}", run.text);
    assert!(
        run.error(0, "cause").starts_with("AWS_ENDPOINT_URL is no address"),
        "{}",
        run.text
    );
    assert!(
        run.error(1, "cause").starts_with("VAULT_AGENT_ADDR is neither an address"),
        "{}",
        run.text
    );
}

#[test]
fn a_service_that_is_overloaded_is_asked_again() {
    for (status, body) in [
        (503, String::new()),
        (400, json!({ "__type": "ThrottlingException" }).to_string()),
    ] {
        let count = std::sync::atomic::AtomicU32::new(0);
        let server = Server::new(move |_| match count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => (status, "", body.clone()),
            _ => (200, "", json!({ "Plaintext": "a2V5" }).to_string()),
        });
        let run = run(&with(&[("AWS_ENDPOINT_URL", &server.url)]), &request(&[kms("YQ==")]));
        assert_eq!(run.data_key(0), "a2V5");
        assert_eq!(server.asked().len(), 2);
    }
}

#[test]
fn a_redirection_is_not_followed() {
    let other = opening();
    let to: &'static str = Box::leak(format!("Location: {}\r\n", other.url).into_boxed_str());
    let server = Server::new(move |_| (307, to, String::new()));
    let entries = [vault(&server.url)];
    let mut request = request(&entries);
    request["allowed_endpoints"] = json!([server.url]);
    let run = run(&[("VAULT_TOKEN", "t")], &request);
    assert_eq!(run.error(0, "status"), "HTTP 307");
    assert!(other.asked().is_empty());
}

#[test]
fn no_proxy_is_asked_for_what_is_on_this_host() {
    let (server, proxy) = (opening(), opening());
    let run = run(
        &with(&[("AWS_ENDPOINT_URL", &server.url), ("HTTP_PROXY", &proxy.url)]),
        &request(&[kms("YQ==")]),
    );
    assert_eq!(run.data_key(0), "a2V5");
    assert!(proxy.asked().is_empty());
}

#[test]
fn a_proxy_is_asked_for_what_is_elsewhere() {
    let proxy = Server::new(|_| (502, "", String::new()));
    let variables = with(&[("AWS_ENDPOINT_URL", "http://kms.example.com"), ("HTTP_PROXY", &proxy.url)]);
    let run = run(&variables, &request(&[kms("YQ==")]));
    assert_eq!(run.error(0, "kind"), "unreachable");
    assert_eq!(proxy.asked()[0].line, "CONNECT kms.example.com:80");
}

#[test]
fn no_secret_is_shown() {
    let server = Server::new(|question| {
        (
            400,
            "",
            json!({ "__type": "Odd", "message": format!("{:?} {}", question.headers, question.body) }).to_string(),
        )
    });
    let vault_server = Server::new(|question| (400, "", json!({ "errors": [format!("{:?}", question.headers)] }).to_string()));
    let variables = with(&[
        ("AWS_ENDPOINT_URL", &server.url),
        ("AWS_SESSION_TOKEN", "session-token"),
        ("VAULT_TOKEN", "vault-token"),
    ]);
    let mut request = request(&[kms("YQ=="), vault(&vault_server.url)]);
    request["allowed_endpoints"] = json!([vault_server.url]);
    let run = run(&variables, &request);
    for (secret, id) in [("secret-half", 0), ("session-token", 0), ("vault-token", 1)] {
        assert!(!run.text.contains(secret), "{}", run.text);
        assert!(
            run.error(id, "cause").contains('{'),
            "the server's words are shown: {}",
            run.text
        );
    }
}

#[test]
fn an_answer_without_a_data_key_is_a_fault() {
    for body in ["", "{}", "{\"Plaintext\":\"?\"}", "{\"Plaintext\":7}"] {
        let server = Server::new(move |_| (200, "", body.to_owned()));
        let run = run(&with(&[("AWS_ENDPOINT_URL", &server.url)]), &request(&[kms("YQ==")]));
        assert_eq!(run.error(0, "cause"), "AWS KMS gave an answer without a data key", "{body}");
    }
}

/// An entry of each service, and what leads to `url` for each.
fn of_each_service(url: &str) -> (Vec<serde_json::Value>, Vec<(&'static str, String)>) {
    let azure = json!({ "azure_kv": { "vault_url": url.replace("http:", "https:"), "name": "k", "version": "", "enc": "YQ" } });
    let huawei = json!({ "hckms": { "key_id": "cn-north-4:0d0466b0", "enc": "YQ==" } });
    let variables = [
        ("AWS_ENDPOINT_URL", url),
        ("SOPS_GCP_KMS_ENDPOINT", url),
        ("GOOGLE_OAUTH_ACCESS_TOKEN", "token"),
        ("AZURE_TENANT_ID", "11111111-2222-3333-4444-555555555555"),
        ("AZURE_CLIENT_ID", "66666666-7777-8888-9999-aaaaaaaaaaaa"),
        ("AZURE_CLIENT_SECRET", "secret"),
        ("HUAWEICLOUD_SDK_REGION_KMS_CN_NORTH_4", url),
        ("HUAWEICLOUD_SDK_AK", "HPUA0123456789ABCDEF"),
        ("HUAWEICLOUD_SDK_SK", "half"),
        ("HUAWEICLOUD_SDK_PROJECT_ID", "0123456789abcdef0123456789abcdef"),
        ("VAULT_TOKEN", "t"),
        ("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt"),
    ];
    let variables = variables.map(|(name, value)| (name, value.to_owned()));
    (
        vec![kms("YQ=="), gcp_kms("YQ=="), azure, huawei, vault(url)],
        variables.into(),
    )
}

#[test]
fn every_service_ends_in_time_where_nobody_answers() {
    let (mute, full, gone) = (
        TcpListener::bind("127.0.0.1:0").unwrap(),
        TcpListener::bind("127.0.0.1:0").unwrap(),
        common::free_port(),
    );
    // As many connections as a listener has room for: further ones do not come about.
    let address = full.local_addr().unwrap();
    let connections = (0..9999).map_while(|_| TcpStream::connect_timeout(&address, Duration::from_millis(300)).ok());
    let _connections = connections.collect::<Vec<_>>();
    let mute = mute.local_addr().unwrap().port();
    for (port, cause) in [
        (mute, "not answer"),
        (address.port(), "not answer"),
        (gone, "Connection refused"),
    ] {
        let (entries, variables) = of_each_service(&format!("http://127.0.0.1:{port}"));
        let variables = variables
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect::<Vec<_>>();
        let mut asked = request(&entries);
        asked["timeout_seconds"] = json!(1);
        asked["allowed_endpoints"] = json!([format!("http://127.0.0.1:{port}"), format!("https://127.0.0.1:{port}")]);
        let run = run(&with(&variables), &asked);
        for id in 0..5 {
            assert_eq!(run.error(id, "kind"), "unreachable", "{}", run.text);
            let told = run.error(id, "cause");
            assert!(told.contains(&format!("127.0.0.1:{port}")) && told.contains(cause), "{told}");
        }
        assert!(run.time < Duration::from_secs(4), "{:?}", run.time);
    }
}

#[test]
fn a_dead_network_takes_no_longer_than_the_deadline() {
    if !has("unshare") {
        return;
    }
    let program = env!("CARGO_BIN_EXE_sops-key-services");
    let mut command = Command::new("unshare");
    command
        .args(["--net", "--map-root-user", program])
        .env_clear()
        .envs(KEYS)
        .env("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt");
    let mut request = request(&[kms("YQ==")]);
    request["timeout_seconds"] = json!(3);
    let run = common::feed(&mut command, &request.to_string());
    if run.lines.is_empty() {
        return common::skip("needs a network namespace");
    }
    assert_eq!(run.error(0, "kind"), "unreachable");
    assert!(run.time < Duration::from_secs(4), "{:?}", run.time);
}
