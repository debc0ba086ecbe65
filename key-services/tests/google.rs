//! Google Cloud KMS: where credentials are found, how tokens are got, what is asked, and what refusals mean. The services are played by the tests; openssl
//! makes the keys of service accounts, and judges what they sign.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test that cannot go on fails.

mod common;

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use common::{GCP_KEY, Question, Run, Server, gcp_kms, has, request, run};
use serde_json::{Value, json};
use tempfile::TempDir;

const SCOPES: &str = "https://www.googleapis.com/auth/cloud-platform https://www.googleapis.com/auth/cloudkms";
const DECRYPT: &str = "POST /v1/projects/p/locations/global/keyRings/r/cryptoKeys/k:decrypt";
const TOKEN: &str = "/computeMetadata/v1/instance/service-accounts/default/token?scopes=";

/// All services of Google in one, and an issuer of other tokens: it opens everything, and each token says which service gave it.
fn google() -> Server {
    Server::new(|question| {
        let is_metadata = question
            .headers
            .get("metadata-flavor")
            .is_some_and(|flavor| flavor == "Google");
        match question.line.as_str() {
            "POST /token" => (200, "", json!({ "access_token": "of-oauth" }).to_string()),
            "POST /sts" => (200, "", json!({ "access_token": "of-sts", "expires_in": 3599 }).to_string()),
            "GET /issuer" => (200, "", json!({ "value": "of-issuer" }).to_string()),
            line if line.ends_with(":generateAccessToken") => (
                200,
                "",
                json!({ "accessToken": "of-account", "expireTime": "2030-01-01T00:00:00Z" }).to_string(),
            ),
            line if is_metadata && line.contains(TOKEN) => (200, "", json!({ "access_token": "of-instance" }).to_string()),
            line if is_metadata && line.ends_with("/email") => (200, "", "vm@p.iam.gserviceaccount.com".to_owned()),
            DECRYPT => (
                200,
                "",
                json!({ "plaintext": "a2V5", "plaintextCrc32c": "1084519789" }).to_string(),
            ),
            _ => (404, "", "<html>".to_owned()),
        }
    })
}

/// A home directory, the services, and credentials.
struct Host {
    server: Server,
    home: TempDir,
}

impl Host {
    fn new() -> Self {
        Self::with(google())
    }

    fn with(server: Server) -> Self {
        let home = tempfile::tempdir().unwrap();
        Self { server, home }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Writes a file, and returns its path.
    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.url)
    }

    fn ask(&self, variables: &[(&str, &str)]) -> Run {
        let fixed = [
            ("SOPS_GCP_KMS_ENDPOINT", self.server.url.as_str()),
            ("GCE_METADATA_HOST", self.server.url.strip_prefix("http://").unwrap()),
            ("HOME", self.home.path().to_str().unwrap()),
        ];
        run(&[&fixed, variables].concat(), &request(&[gcp_kms("YQ==")]))
    }

    /// Asks, and returns the token that the key was asked for with.
    fn token(&self, variables: &[(&str, &str)]) -> String {
        let run = self.ask(variables);
        assert_eq!(run.data_key(0), "a2V5");
        let asked = self.server.asked();
        let question = asked.last().unwrap();
        assert_eq!(question.line, DECRYPT);
        question.headers["authorization"].strip_prefix("Bearer ").unwrap().to_owned()
    }

    /// The only question that was asked of `line`.
    fn question(&self, line: &str) -> Question {
        let asked = self.server.asked();
        let mut found = asked.into_iter().filter(|question| question.line.starts_with(line));
        let question = found.next().unwrap_or_else(|| panic!("{line} was not asked"));
        assert!(found.next().is_none(), "{line}");
        question
    }

    /// A service account with a new key, whose file is returned as a value. Its public half is in `public.pem`.
    fn service_account(&self, email: &str) -> Value {
        openssl(&["genpkey", "-algorithm", "RSA", "-out", "key.pem"], self.home.path());
        openssl(&["pkey", "-in", "key.pem", "-pubout", "-out", "public.pem"], self.home.path());
        let key = fs::read_to_string(self.path("key.pem")).unwrap();
        json!({
            "type": "service_account",
            "client_email": email,
            "private_key_id": "the-key",
            "private_key": key,
            "token_uri": self.url("/token"),
        })
    }
}

/// Runs openssl in `directory`.
fn openssl(arguments: &[&str], directory: &Path) {
    let output = Command::new("openssl")
        .args(arguments)
        .current_dir(directory)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The value of a field of a form.
fn field(form: &str, name: &str) -> String {
    let value = form.split('&').find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
    let mut bytes = value.unwrap_or_else(|| panic!("{name} is not in {form}")).bytes();
    let mut text = Vec::new();
    while let Some(byte) = bytes.next() {
        text.push(match byte {
            b'%' => {
                let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            byte => byte,
        });
    }
    String::from_utf8(text).unwrap()
}

/// The claims of a signed statement, after openssl has found that the key whose public half is in `public.pem` signed it.
fn claims(host: &Host, statement: &str) -> Value {
    let [header, claims, signature] = *statement.split('.').collect::<Vec<_>>() else {
        panic!("{statement}")
    };
    let decode = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).unwrap();
    host.write("signed", format!("{header}.{claims}"));
    host.write("signature", decode(signature));
    let arguments = [
        "dgst",
        "-sha256",
        "-verify",
        "public.pem",
        "-signature",
        "signature",
        "signed",
    ];
    openssl(&arguments, host.home.path());
    let header: Value = serde_json::from_slice(&decode(header)).unwrap();
    assert_eq!(header, json!({ "alg": "RS256", "typ": "JWT", "kid": "the-key" }));
    serde_json::from_slice(&decode(claims)).unwrap()
}

/// The claims without their times, which are those of an hour that began just now.
fn without_times(mut claims: Value) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let times = ["iat", "exp"].map(|name| claims.as_object_mut().unwrap().remove(name).unwrap().as_u64().unwrap());
    assert!((now - 60..=now).contains(&times[0]), "{times:?}, now {now}");
    assert_eq!(times[1] - times[0], 3600);
    claims
}

#[test]
fn a_key_is_asked_for_as_the_service_documents_it() {
    let host = Host::new();
    assert_eq!(host.token(&[("GOOGLE_OAUTH_ACCESS_TOKEN", "ya29.x")]), "ya29.x");
    let question = host.question("POST");
    assert_eq!(question.headers["content-type"], "application/json");
    assert!(!question.headers.contains_key("x-goog-user-project"));
    let body: Value = serde_json::from_str(&question.body).unwrap();
    assert_eq!(body, json!({ "ciphertext": "YQ==", "ciphertextCrc32c": "3251651376" }));
}

#[test]
fn a_damaged_entry_and_a_damaged_answer_are_no_data_key() {
    let host = Host::with(Server::new(|_| {
        (200, "", json!({ "plaintext": "a2V5", "plaintextCrc32c": "7" }).to_string())
    }));
    let token = [("GOOGLE_OAUTH_ACCESS_TOKEN", "ya29.x")];
    let damaged = host.ask(&token);
    assert_eq!(
        damaged.error(0, "cause"),
        "the answer of Google Cloud KMS was damaged on its way"
    );
    assert_eq!(damaged.error(0, "kind"), "service_failed");
    let asked = host.server.asked().len();
    for (resource, enc) in [
        (GCP_KEY, "?"),
        ("projects/p/../x", "YQ=="),
        ("projects/p/locations/l/keyRings/r/cryptoKeys/k?a", "YQ=="),
    ] {
        let entry = json!({ "gcp_kms": { "resource_id": resource, "enc": enc } });
        let run = run(&[("SOPS_GCP_KMS_ENDPOINT", &host.server.url), token[0]], &request(&[entry]));
        assert_eq!(run.error(0, "kind"), "bad_metadata", "{}", run.text);
    }
    assert_eq!(host.server.asked().len(), asked);
}

#[test]
fn sources_are_tried_in_the_order_of_sops() {
    if !has("openssl") {
        return;
    }
    let host = Host::new();
    let account = host.service_account("a@p.iam").to_string();
    let file = host.write("account.json", &account);
    let external = json!({
        "type": "external_account", "audience": "//iam/x", "subject_token_type": "t", "token_url": host.url("/sts"),
        "credential_source": { "file": host.write("subject", "subject\n") },
    });
    let external = host.write("external.json", external.to_string());
    let all = [
        ("GOOGLE_CREDENTIALS", account.as_str()),
        ("GOOGLE_OAUTH_ACCESS_TOKEN", "of-variable"),
        ("GOOGLE_APPLICATION_CREDENTIALS", external.as_str()),
    ];
    assert_eq!(host.token(&all), "of-oauth");
    assert_eq!(host.token(&[("GOOGLE_CREDENTIALS", &file), all[1], all[2]]), "of-oauth");
    assert_eq!(host.token(&all[1..]), "of-variable");
    assert_eq!(host.token(&all[2..]), "of-sts");
    assert_eq!(host.token(&[]), "of-instance");
    host.write(".config/gcloud/application_default_credentials.json", &account);
    assert_eq!(host.token(&[]), "of-oauth");
}

#[test]
fn a_service_account_signs_a_statement() {
    if !has("openssl") {
        return;
    }
    let host = Host::new();
    let mut account = host.service_account("a@p.iam.gserviceaccount.com");
    assert_eq!(host.token(&[("GOOGLE_CREDENTIALS", &account.to_string())]), "of-oauth");
    let question = host.question("POST /token");
    assert_eq!(question.headers["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(
        field(&question.body, "grant_type"),
        "urn:ietf:params:oauth:grant-type:jwt-bearer"
    );
    let claimed = without_times(claims(&host, &field(&question.body, "assertion")));
    let email = "a@p.iam.gserviceaccount.com";
    assert_eq!(claimed, json!({ "iss": email, "scope": SCOPES, "aud": host.url("/token") }));

    // In the form that older tools write, in another cloud, where the statement is the token.
    openssl(
        &["pkey", "-in", "key.pem", "-traditional", "-out", "old.pem"],
        host.home.path(),
    );
    account["private_key"] = json!(fs::read_to_string(host.path("old.pem")).unwrap());
    account["universe_domain"] = json!("s3nsapis.fr");
    let statement = host.token(&[("GOOGLE_CREDENTIALS", &account.to_string())]);
    let claimed = without_times(claims(&host, &statement));
    assert_eq!(claimed, json!({ "iss": email, "sub": email, "scope": SCOPES }));
}

#[test]
fn the_token_of_another_issuer_is_exchanged() {
    let host = Host::new();
    let subject = host.write("subject", "jwt.of.cluster\n");
    let mut account = json!({
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": host.url("/sts"),
        "credential_source": { "file": subject },
        "quota_project_id": "billed",
    });
    let ask = |account: &Value| host.token(&[("GOOGLE_CREDENTIALS", &account.to_string())]);
    assert_eq!(ask(&account), "of-sts");
    let form = host.question("POST /sts").body;
    for (name, value) in [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("audience", account["audience"].as_str().unwrap()),
        ("scope", SCOPES),
        ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
        ("subject_token", "jwt.of.cluster"),
    ] {
        assert_eq!(field(&form, name), value);
    }
    assert_eq!(host.server.asked().last().unwrap().headers["x-goog-user-project"], "billed");

    // From an address, in JSON, for a service account, with a client's own password.
    account["credential_source"] = json!({
        "url": host.url("/issuer"), "headers": { "X-Own": "h" }, "format": { "type": "json", "subject_token_field_name": "value" },
    });
    account["client_id"] = json!("me");
    account["client_secret"] = json!("pass");
    account["service_account_impersonation_url"] = json!(host.url("/v1/projects/-/serviceAccounts/a@p.iam:generateAccessToken"));
    account["service_account_impersonation"] = json!({ "token_lifetime_seconds": 600 });
    assert_eq!(ask(&account), "of-account");
    assert_eq!(host.question("GET /issuer").headers["x-own"], "h");
    let sts = host
        .server
        .asked()
        .into_iter()
        .rfind(|question| question.line == "POST /sts")
        .unwrap();
    assert_eq!(field(&sts.body, "subject_token"), "of-issuer");
    assert_eq!(field(&sts.body, "scope"), "https://www.googleapis.com/auth/cloud-platform");
    assert_eq!(sts.headers["authorization"], "Basic bWU6cGFzcw==");
    let impersonation = host.question("POST /v1/projects/-/serviceAccounts/a@p.iam:generateAccessToken");
    assert_eq!(impersonation.headers["authorization"], "Bearer of-sts");
    let body: Value = serde_json::from_str(&impersonation.body).unwrap();
    let scopes = SCOPES.split(' ').collect::<Vec<_>>();
    assert_eq!(body, json!({ "delegates": [], "lifetime": "600s", "scope": scopes }));
}

#[test]
fn one_account_may_act_for_another() {
    if !has("openssl") {
        return;
    }
    let host = Host::new();
    let credentials = json!({
        "type": "impersonated_service_account",
        "service_account_impersonation_url": host.url("/v1/projects/-/serviceAccounts/b@p.iam:generateAccessToken"),
        "delegates": ["c@p.iam"],
        "source_credentials": host.service_account("a@p.iam"),
    });
    assert_eq!(host.token(&[("GOOGLE_CREDENTIALS", &credentials.to_string())]), "of-account");
    let claimed = claims(&host, &field(&host.question("POST /token").body, "assertion"));
    assert_eq!(claimed["scope"], "https://www.googleapis.com/auth/cloud-platform");
    let question = host.question("POST /v1/projects/-/serviceAccounts/b@p.iam:generateAccessToken");
    assert_eq!(question.headers["authorization"], "Bearer of-oauth");
    assert!(question.body.contains(r#""delegates":["c@p.iam"]"#), "{}", question.body);
}

#[test]
fn the_instance_is_asked_beside_no_proxy() {
    let host = Host::new();
    let proxy = google();
    assert_eq!(host.token(&[("HTTP_PROXY", &proxy.url)]), "of-instance");
    let scopes = "https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloud-platform%2Chttps%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloudkms";
    assert_eq!(
        host.question("GET /computeMetadata/v1/instance/service-accounts/default/token")
            .line,
        format!("GET {TOKEN}{scopes}")
    );
    assert!(proxy.asked().is_empty());
}

#[test]
fn credentials_that_cannot_be_used_are_named() {
    if !has("openssl") {
        return;
    }
    let host = Host::new();
    let external = |source: Value| json!({ "type": "external_account", "audience": "a", "subject_token_type": "t", "token_url": host.url("/sts"), "credential_source": source });
    let mut no_key = host.service_account("a@p.iam");
    no_key["private_key"] = json!("-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n");
    for (value, kind, cause) in [
        (
            "secret",
            "no_credentials",
            "GOOGLE_CREDENTIALS is neither JSON nor the whole path of a file".to_owned(),
        ),
        (
            "/gone",
            "no_credentials",
            "/gone: No such file or directory (os error 2)".to_owned(),
        ),
        (
            "{\"secret\":1}",
            "no_credentials",
            "GOOGLE_CREDENTIALS has no credentials of Google in JSON (line 1, column 12)".to_owned(),
        ),
        (
            "{\"type\":\"gdch_service_account\"}",
            "not_spoken",
            "GOOGLE_CREDENTIALS has credentials of the type gdch_service_account, which this program cannot use".to_owned(),
        ),
        (
            &external(json!({ "environment_id": "aws1", "url": "http://169.254.169.254/x" })).to_string(),
            "not_spoken",
            "GOOGLE_CREDENTIALS gets its token from a role of AWS, which this program cannot use".to_owned(),
        ),
        (
            &external(json!({ "executable": { "command": "secret" } })).to_string(),
            "not_spoken",
            "GOOGLE_CREDENTIALS gets its token from a program, which this program cannot use".to_owned(),
        ),
        (
            &external(json!({ "file": "/gone" })).to_string(),
            "no_credentials",
            "/gone: No such file or directory (os error 2)".to_owned(),
        ),
        (
            &external(json!({ "url": host.url("/issuer"), "format": { "type": "json", "subject_token_field_name": "x" } }))
                .to_string(),
            "no_credentials",
            format!(
                "{} has no token where credential_source in GOOGLE_CREDENTIALS says that it is",
                host.server.url
            ),
        ),
        (
            &external(json!({ "url": host.url("/none") })).to_string(),
            "no_credentials",
            format!("{} gives no token of the other issuer", host.server.url),
        ),
        (
            &no_key.to_string(),
            "bad_credentials",
            "the private_key in GOOGLE_CREDENTIALS is no RSA key of 2048 bits or more".to_owned(),
        ),
    ] {
        let run = host.ask(&[("GOOGLE_CREDENTIALS", value)]);
        assert_eq!(
            (run.error(0, "kind").as_str(), run.error(0, "cause")),
            (kind, cause),
            "{value}"
        );
        assert!(
            !run.error(0, "remedy").is_empty() && !run.text.contains("secret"),
            "{}",
            run.text
        );
    }
    let value = no_key.to_string();
    let run = host.ask(&[("GOOGLE_APPLICATION_CREDENTIALS", &value)]);
    assert_eq!(
        run.error(0, "cause"),
        "GOOGLE_APPLICATION_CREDENTIALS is not the whole path of a file"
    );
    assert!(!run.text.contains("a@p.iam") && !run.text.contains("PRIVATE"), "{}", run.text);
    assert!(host.server.asked().iter().all(|question| question.line != DECRYPT));
}

#[test]
fn a_file_that_others_may_write_is_not_used() {
    let host = Host::new();
    let file = host.write("account.json", "{}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o622)).unwrap();
    for variable in ["GOOGLE_CREDENTIALS", "GOOGLE_APPLICATION_CREDENTIALS"] {
        let run = host.ask(&[(variable, &file)]);
        assert_eq!(run.error(0, "cause"), format!("{file}: others than its owner may write it"));
    }
    assert!(host.server.asked().is_empty());
}

#[test]
fn without_credentials_all_places_are_named() {
    let elsewhere = Host::with(Server::new(|_| (404, "", "<html>".to_owned())));
    let places = |host: &Host, why: &str| {
        let gcloud = host.path(".config/gcloud/application_default_credentials.json");
        format!(
            "no credentials for Google Cloud: looked for GOOGLE_CREDENTIALS, GOOGLE_OAUTH_ACCESS_TOKEN, GOOGLE_APPLICATION_CREDENTIALS, \
             {} (not there), and a service account of the instance ({why})",
            gcloud.display()
        )
    };
    let run = elsewhere.ask(&[]);
    let none = "no metadata service of Google is here, or the instance has no service account";
    assert_eq!(run.error(0, "cause"), places(&elsewhere, none));
    assert_eq!(run.error(0, "kind"), "no_credentials");
}

#[test]
fn a_refusal_says_who_asked_and_what_to_do() {
    if !has("openssl") {
        return;
    }
    let message =
        format!("Permission 'cloudkms.cryptoKeyVersions.useToDecrypt' denied on resource '{GCP_KEY}' (or it may not exist).");
    let body = json!({ "error": { "code": 403, "message": message, "status": "PERMISSION_DENIED", "details": [] } }).to_string();
    let host = Host::with(Server::new(move |question| match question.line.as_str() {
        DECRYPT => (403, "", body.clone()),
        _ => (200, "", json!({ "access_token": "ya29.t" }).to_string()),
    }));
    let file = host.write("account.json", host.service_account("web@p.iam").to_string());
    assert_eq!(
        host.ask(&[("GOOGLE_APPLICATION_CREDENTIALS", &file)]).lines[&0]["error"],
        json!({
            "service": "Google Cloud KMS",
            "key": GCP_KEY,
            "kind": "denied",
            "cause": message.trim_end_matches('.'),
            "remedy": format!(
                "grant roles/cloudkms.cryptoKeyDecrypter (cloudkms.cryptoKeyVersions.useToDecrypt) on {GCP_KEY} to this identity; \
                 if there is no such key, correct `resource_id` in the file"
            ),
            "identity": format!("service account web@p.iam, from {file}"),
            "status": "PERMISSION_DENIED (HTTP 403)",
        })
    );
}

#[test]
fn a_token_that_is_not_given_says_why() {
    if !has("openssl") {
        return;
    }
    let refusing = |said: &'static str| {
        let host = Host::with(Server::new(move |question| {
            let shown = format!("{said} {}", field(&question.body, "assertion"));
            let body = json!({ "error": "invalid_grant", "error_description": shown }).to_string();
            (400, "Date: Mon, 30 Nov 2026 06:00:00 GMT\r\n", body)
        }));
        let account = host.service_account("a@p.iam").to_string();
        host.ask(&[("GOOGLE_CREDENTIALS", &account)])
    };
    let deleted = refusing("Invalid JWT Signature.");
    assert_eq!(deleted.error(0, "cause"), "Invalid JWT Signature. …");
    assert_eq!(deleted.error(0, "kind"), "bad_credentials");
    assert_eq!(
        deleted.error(0, "identity"),
        "service account a@p.iam, from GOOGLE_CREDENTIALS"
    );
    let clock = refusing("Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.");
    assert_eq!(clock.error(0, "kind"), "clock");
    assert!(
        clock
            .error(0, "cause")
            .ends_with(", that of Google Mon, 30 Nov 2026 06:00:00 GMT")
    );
}

#[test]
fn no_token_is_shown() {
    let host = Host::with(Server::new(|question| {
        // Messages are cut, so what is secret comes first.
        let end = &question.body[question.body.len().saturating_sub(60)..];
        let all = format!(
            "{{{end} {:?} client-secret subject/token+=",
            question.headers.get("authorization")
        );
        let body = match question.line.as_str() {
            DECRYPT => json!({ "error": { "message": all, "status": "ODD" } }),
            _ => json!({ "error": "odd", "error_description": all }),
        };
        (400, "", body.to_string())
    }));
    let subject = host.write("subject", "subject/token+=");
    let account = json!({
        "type": "external_account", "audience": "a", "subject_token_type": "t", "token_url": host.url("/sts"),
        "client_id": "me", "client_secret": "client-secret", "credential_source": { "file": subject },
    });
    for (name, value) in [
        ("GOOGLE_OAUTH_ACCESS_TOKEN", "ya29.token".to_owned()),
        ("GOOGLE_CREDENTIALS", account.to_string()),
    ] {
        let run = host.ask(&[(name, &value)]);
        assert!(
            run.error(0, "cause").contains('{'),
            "the server's words are shown: {}",
            run.text
        );
        let secrets: &[&str] = match name {
            "GOOGLE_CREDENTIALS" => &["subject/token", "subject%2F", "client-secret", "bWU6"],
            _ => &["ya29.token"],
        };
        for secret in secrets {
            assert!(!run.text.contains(secret), "{}", run.text);
        }
    }
}

/// An instance always has credentials, which need not be those that open the file.
#[test]
fn a_key_service_of_sops_is_asked_for_what_the_instance_may_not_open() {
    let host = Host::with(Server::new(|question| match question.line.as_str() {
        DECRYPT => (
            403,
            "",
            json!({ "error": { "message": "no.", "status": "PERMISSION_DENIED" } }).to_string(),
        ),
        line if line.ends_with("/email") => (200, "", "vm@p.iam".to_owned()),
        _ => (200, "", json!({ "access_token": "ya29.instance" }).to_string()),
    }));
    let alone = host.ask(&[]);
    assert_eq!(alone.error(0, "kind"), "denied");
    assert_eq!(alone.error(0, "identity"), "service account vm@p.iam, of the instance");
    let asked = host.ask(&[("SOPS_KEYSERVICE", "unix:///nonexistent/ks")]);
    assert_eq!(
        asked.error(0, "cause"),
        "no (asked with service account vm@p.iam, of the instance, answered PERMISSION_DENIED (HTTP 403)); \
         the key service at unix:///nonexistent/ks: No such file or directory (os error 2)"
    );
    assert_eq!(asked.error(0, "identity"), "");
    // The advice is about the permission, not about the service that is missing.
    assert_eq!(asked.error(0, "kind"), "denied");
    assert!(
        asked
            .error(0, "remedy")
            .starts_with("grant roles/cloudkms.cryptoKeyDecrypter "),
        "{}",
        asked.text
    );
}

#[test]
fn the_metadata_service_of_a_cluster_may_be_slow() {
    let host = Host::with(Server::new(|question| {
        if question.line.contains("/token?") {
            thread::sleep(Duration::from_millis(1500));
        }
        match question.line.as_str() {
            DECRYPT => (200, "", json!({ "plaintext": "a2V5" }).to_string()),
            line if line.ends_with("/email") => (200, "", "vm@p.iam".to_owned()),
            _ => (200, "", json!({ "access_token": "of-instance" }).to_string()),
        }
    }));
    assert_eq!(host.token(&[]), "of-instance");
}
