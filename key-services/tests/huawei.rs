//! Huawei Cloud KMS: where credentials are found, how the project is looked up, what is asked, and what refusals mean. The services are played by the tests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test that cannot go on fails.

mod common;

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt as _, path::Path, thread, time::Duration};

use common::{Question, Run, Server, has, is_moved, request, run};
use serde_json::{Value, json};
use tempfile::TempDir;

const AK: &str = "HPUA0123456789ABCDEF";
const KEYS: [(&str, &str); 2] = [("HUAWEICLOUD_SDK_AK", AK), ("HUAWEICLOUD_SDK_SK", "secret-half")];
const PROJECT: (&str, &str) = ("HUAWEICLOUD_SDK_PROJECT_ID", "of-variable");

fn hckms() -> Value {
    json!({ "hckms": { "key_id": "cn-north-4:0d0466b0-e727", "enc": "HW==" } })
}

/// The identity service and the key service in one, which open everything.
fn huawei() -> Server {
    Server::new(|question| match question.line.as_str() {
        "GET /v3/projects?name=cn-north-4" => (200, "", json!({ "projects": [{ "id": "looked-up" }] }).to_string()),
        line if line.ends_with("/kms/decrypt-data") => (200, "", json!({ "key_id": "x", "plain_text": "a2V5" }).to_string()),
        _ => (404, "", "<html>".to_owned()),
    })
}

/// Asks `server` with `variables` in the home directory `home`.
fn ask(server: &Server, home: &Path, variables: &[(&str, &str)]) -> Run {
    let fixed = [
        ("HUAWEICLOUD_SDK_REGION_KMS_CN_NORTH_4", server.url.as_str()),
        ("HUAWEICLOUD_SDK_IAM_ENDPOINT", server.url.as_str()),
        ("HOME", home.to_str().unwrap()),
    ];
    run(&[&fixed, variables].concat(), &request(&[hckms()]))
}

/// Asks the services that open everything, and returns what they were asked last.
fn last(home: &Path, variables: &[(&str, &str)]) -> Question {
    let server = huawei();
    let run = ask(&server, home, variables);
    assert_eq!(run.data_key(0), "a2V5");
    server.asked().pop().unwrap()
}

/// The access key that signed `question`.
fn signer(question: &Question) -> &str {
    let rest = question.headers["authorization"]
        .strip_prefix("SDK-HMAC-SHA256 Access=")
        .unwrap();
    rest.split(',').next().unwrap()
}

/// Writes the file with credentials in a new home directory.
fn home_with(text: &str) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join(".huaweicloud/credentials");
    fs::create_dir(file.parent().unwrap()).unwrap();
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    home
}

#[test]
fn a_key_is_asked_for_as_the_service_documents_it() {
    let home = tempfile::tempdir().unwrap();
    let question = last(
        home.path(),
        &[KEYS.as_slice(), &[PROJECT, ("HUAWEICLOUD_SDK_SECURITY_TOKEN", "tok")]].concat(),
    );
    assert_eq!(question.line, "POST /v1.0/of-variable/kms/decrypt-data");
    assert_eq!(question.headers["content-type"], "application/json;charset=UTF-8");
    assert_eq!(question.headers["x-project-id"], "of-variable");
    assert_eq!(question.headers["x-security-token"], "tok");
    let authorization = &question.headers["authorization"];
    assert!(
        authorization.contains("SignedHeaders=host;x-project-id;x-sdk-date;x-security-token, "),
        "{authorization}"
    );
    let body: Value = serde_json::from_str(&question.body).unwrap();
    assert_eq!(
        body,
        json!({ "cipher_text": "HW==", "encryption_algorithm": "SYMMETRIC_DEFAULT", "key_id": "0d0466b0-e727" })
    );
}

#[test]
fn the_project_is_looked_up_unless_somebody_names_it() {
    let home = tempfile::tempdir().unwrap();
    let server = huawei();
    assert_eq!(ask(&server, home.path(), &KEYS).data_key(0), "a2V5");
    let asked = server.asked();
    let [lookup, decrypt] = asked.as_slice() else { panic!() };
    assert_eq!(signer(lookup), AK);
    assert!(!lookup.headers.contains_key("x-project-id"));
    assert_eq!(decrypt.line, "POST /v1.0/looked-up/kms/decrypt-data");
    // One key of the region serves all entries.
    let mut second = hckms();
    second["hckms"]["enc"] = json!("other");
    let server = huawei();
    let variables = [
        ("HUAWEICLOUD_SDK_REGION_KMS_CN_NORTH_4", server.url.as_str()),
        ("HUAWEICLOUD_SDK_IAM_ENDPOINT", &server.url),
    ];
    let both = run(&[&variables, KEYS.as_slice()].concat(), &request(&[hckms(), second]));
    assert_eq!((both.data_key(0), both.data_key(1)), ("a2V5".to_owned(), "a2V5".to_owned()));
    assert_eq!(server.asked().len(), 3);

    for (projects, cause) in [
        (json!([]), "the account has no project in the region cn-north-4"),
        (
            json!([{ "id": "a" }, { "id": "b" }]),
            "the account has 2 projects in the region cn-north-4",
        ),
    ] {
        let server = Server::new(move |_| (200, "", json!({ "projects": projects }).to_string()));
        let run = ask(&server, home.path(), &KEYS);
        assert_eq!(run.error(0, "cause"), cause);
        assert_eq!(
            run.error(0, "remedy"),
            "set HUAWEICLOUD_SDK_PROJECT_ID to the one that has the key"
        );
    }
    let gone = [KEYS.as_slice(), &[("HUAWEICLOUD_SDK_IAM_ENDPOINT", "http://127.0.0.1:1")]].concat();
    let run = ask(&huawei(), home.path(), &gone);
    assert_eq!(run.error(0, "kind"), "unreachable");
    assert!(
        run.error(0, "cause").ends_with("; it is asked for the project"),
        "{}",
        run.text
    );
    assert!(
        run.error(0, "remedy").ends_with(", or set HUAWEICLOUD_SDK_PROJECT_ID"),
        "{}",
        run.text
    );
}

#[test]
fn sources_are_tried_in_the_order_of_sops() {
    let home = home_with("[basic]\nak = HPUAINHOMEINHOMEINHO\nsk = s\nsecurity_token = t\nproject_id = of-file\n");
    assert_eq!(signer(&last(home.path(), &KEYS)), AK);
    let question = last(home.path(), &[PROJECT]);
    assert_eq!(signer(&question), "HPUAINHOMEINHOMEINHO");
    assert_eq!(question.headers["x-project-id"], "of-file");
    assert_eq!(question.headers["x-security-token"], "t");
    let named_home = home_with("[basic]\nak = HPUANAMEDNAMEDNAMEDN\nsk = s\n");
    let named = named_home.path().join(".huaweicloud/credentials");
    let variables = [("HUAWEICLOUD_SDK_CREDENTIALS_FILE", named.to_str().unwrap())];
    assert_eq!(signer(&last(home.path(), &variables)), "HPUANAMEDNAMEDNAMEDN");
    // What the configuration says counts where the file says nothing.
    let variables = [("HUAWEICLOUD_SDK_CREDENTIALS_FILE", named.to_str().unwrap()), PROJECT];
    assert_eq!(last(home.path(), &variables).headers["x-project-id"], "of-variable");
    // The file may name the identity service.
    let iam = Server::new(|_| (200, "", json!({ "projects": [{ "id": "of-own-iam" }] }).to_string()));
    let home = home_with(&format!("[basic]\nak = A\nsk = s\niam_endpoint = {}\n", iam.url));
    assert_eq!(last(home.path(), &[]).headers["x-project-id"], "of-own-iam");
}

#[test]
fn the_agency_of_an_instance_is_asked_in_both_versions() {
    let name = "the_agency_of_an_instance_is_asked_in_both_versions";
    if !has("unshare") || !has("ip") || is_moved(name, "ip link set lo up && ip addr add 169.254.169.254/32 dev lo") {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let service = |has_tokens: bool| {
        move |question: &Question| match (question.line.as_str(), question.headers.get("x-metadata-token")) {
            ("PUT /meta-data/latest/api/token", _) if has_tokens => (200, "", "imds".to_owned()),
            ("GET /openstack/latest/securitykey", token) if token.is_some_and(|token| token == "imds") == has_tokens => {
                thread::sleep(Duration::from_millis(1100));
                let credential = json!({ "access": "HSTAINSTANCEINSTANCE", "secret": "s", "securitytoken": "tok" });
                (200, "", json!({ "credential": credential }).to_string())
            }
            _ => (404, "", String::new()),
        }
    };
    for has_tokens in [true, false] {
        let metadata = Server::at("169.254.169.254:80", service(has_tokens));
        let question = last(home.path(), &[PROJECT, ("HTTP_PROXY", "http://127.0.0.1:1")]);
        assert_eq!(signer(&question), "HSTAINSTANCEINSTANCE");
        assert_eq!(question.headers["x-security-token"], "tok");
        metadata.stop();
    }
    let none = Server::at("169.254.169.254:80", |_| {
        (404, "", "Please configure Cloud Service Agency first".to_owned())
    });
    let run = ask(&huawei(), home.path(), &[]);
    assert!(
        run.error(0, "cause")
            .ends_with("an agency of the instance (the instance has no agency)"),
        "{}",
        run.text
    );
    none.stop();
}

#[test]
fn credentials_that_cannot_be_used_are_named() {
    let home = home_with("[basic]\nak = secret\nidp_id = i\nid_token_file = /token\n");
    let file = home.path().join(".huaweicloud/credentials");
    let server = huawei();
    let run = ask(&server, home.path(), &[]);
    let cause = format!(
        "{} names another issuer of tokens, which this program cannot use",
        file.display()
    );
    assert_eq!((run.error(0, "kind").as_str(), run.error(0, "cause")), ("not_spoken", cause));
    let issuer = [("HUAWEICLOUD_SDK_IDP_ID", "i"), ("HUAWEICLOUD_SDK_ID_TOKEN_FILE", "/token")];
    let run = ask(&server, home.path(), &[KEYS.as_slice(), &issuer].concat());
    assert_eq!(run.error(0, "kind"), "not_spoken");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o620)).unwrap();
    let run = ask(&server, home.path(), &[]);
    assert_eq!(
        run.error(0, "cause"),
        format!("{}: others than its owner may write it", file.display())
    );
    let run = ask(&server, home.path(), &[("HUAWEICLOUD_SDK_CREDENTIALS_FILE", "/gone")]);
    assert_eq!(run.error(0, "cause"), "/gone: No such file or directory (os error 2)");
    assert!(server.asked().is_empty());
}

#[test]
fn a_damaged_entry_reaches_nobody() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let service = format!("tcp://{}", listener.local_addr().unwrap());
    for key in [
        "cn-north-4",
        "evil.example/:x",
        "cn-north-4.evil.example:x",
        "me@cn-north-4:x",
        "s3:x",
        "cn-north-4:../x",
    ] {
        let mut asked = request(&[json!({ "hckms": { "key_id": key, "enc": "HW==" } })]);
        asked["key_services"] = json!([service]);
        let run = run(&KEYS, &asked);
        assert_eq!(run.error(0, "kind"), "bad_metadata", "{key}");
    }
    assert!(listener.accept().is_err());
}

#[test]
fn a_refusal_says_who_asked_and_what_to_do() {
    let body = r#"{"error":{"error_code":"KMS.0306","error_msg":"No access rights."}}"#;
    let server = Server::new(move |_| (403, "", body.to_owned()));
    let home = tempfile::tempdir().unwrap();
    assert_eq!(
        ask(&server, home.path(), &[KEYS.as_slice(), &[PROJECT]].concat()).lines[&0]["error"],
        json!({
            "service": "Huawei Cloud KMS",
            "key": "cn-north-4:0d0466b0-e727",
            "kind": "denied",
            "cause": "No access rights",
            "remedy": "allow kms:cmk:decryptData on 0d0466b0-e727 for this identity",
            "identity": format!("access key {AK}, from the environment"),
            "status": "KMS.0306 (HTTP 403)",
        })
    );
    let run = ask(&server, home.path(), &KEYS);
    let remedy = "allow iam:projects:listProjects for this identity, or set HUAWEICLOUD_SDK_PROJECT_ID";
    assert_eq!(run.error(0, "remedy"), remedy);
}

#[test]
fn no_secret_is_shown() {
    let server = Server::new(|question| {
        // As Huawei repeats the request whose signature it does not take.
        let token = &question.headers["x-security-token"];
        let all = format!("verify aksk signature fail, {{x-security-token:{token}|secret-half");
        (400, "", json!({ "error_code": "ODD", "error_msg": all }).to_string())
    });
    let home = tempfile::tempdir().unwrap();
    let token = ("HUAWEICLOUD_SDK_SECURITY_TOKEN", "session-token");
    let mixed_up = [("HUAWEICLOUD_SDK_AK", "secret-half"), ("HUAWEICLOUD_SDK_SK", AK), token];
    for variables in [
        [KEYS.as_slice(), &[token]].concat(),
        [KEYS.as_slice(), &[token, PROJECT]].concat(),
        [mixed_up.as_slice(), &[PROJECT]].concat(),
    ] {
        let run = ask(&server, home.path(), &variables);
        assert!(
            run.error(0, "cause").contains('{'),
            "the server's words are shown: {}",
            run.text
        );
        for secret in ["secret-half", "session-token"] {
            assert!(!run.text.contains(secret), "{}", run.text);
        }
    }
}
