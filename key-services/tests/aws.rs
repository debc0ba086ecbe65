//! AWS KMS: where credentials are found, what is asked, and what refusals mean. The services are played by the tests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test that cannot go on fails.

mod common;

use std::{fs, os::unix::fs::PermissionsExt as _, process::Command};

use common::{ARN, Question, Server, has, kms, request, run};
use serde_json::{Value, json};

const ID: &str = "AKIAIOSFODNN7EXAMPLE";
const ROLE: &str = "arn:aws:iam::111122223333:role/sops";

/// All services of AWS in one: it opens everything, and says in the data key nothing at all.
fn aws() -> Server {
    Server::new(|question| match question.line.as_str() {
        "PUT /latest/api/token" => (200, "", "imds-token".to_owned()),
        "GET /latest/meta-data/iam/security-credentials/" => (200, "", "the-role\n".to_owned()),
        "GET /latest/meta-data/iam/security-credentials/the-role" | "GET /container" => (200, "", issued()),
        _ if question.body.starts_with("Action=") => (200, "", sts()),
        _ => (200, "", json!({ "Plaintext": "a2V5" }).to_string()),
    })
}

fn issued() -> String {
    json!({ "AccessKeyId": "ASIAISSUEDISSUEDISSU", "SecretAccessKey": "s", "Token": "tok" }).to_string()
}

fn sts() -> String {
    "<R><Credentials><AccessKeyId>ASIAROLEROLEROLEROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
     <SessionToken>role-token</SessionToken></Credentials></R>"
        .to_owned()
}

/// The public half of the access key that signed `question`.
fn signer(question: &Question) -> &str {
    let rest = question.headers["authorization"]
        .strip_prefix("AWS4-HMAC-SHA256 Credential=")
        .unwrap();
    rest.split('/').next().unwrap()
}

fn keys() -> [(&'static str, &'static str); 2] {
    [("AWS_ACCESS_KEY_ID", ID), ("AWS_SECRET_ACCESS_KEY", "half")]
}

/// Runs with `variables` and `files` in `.aws` of the home directory; returns what the server was asked, and the outcome.
fn ask(variables: &[(&str, &str)], files: &[(&str, &str)], entry: Value) -> (Vec<Question>, common::Run) {
    let (server, home) = (aws(), tempfile::tempdir().unwrap());
    fs::create_dir(home.path().join(".aws")).unwrap();
    for (name, text) in files {
        fs::write(home.path().join(".aws").join(name), text).unwrap();
    }
    let fixed = [
        ("AWS_ENDPOINT_URL", server.url.as_str()),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.url.as_str()),
        ("HOME", home.path().to_str().unwrap()),
        ("PATH", "/usr/bin:/bin"),
    ];
    let run = run(&[&fixed, variables].concat(), &request(&[entry]));
    (server.asked(), run)
}

fn with_profile(profile: &str) -> Value {
    json!({ "kms": { "arn": ARN, "enc": "YQ==", "aws_profile": profile } })
}

#[test]
fn a_key_is_asked_for_as_sops_does() {
    let entry = json!({ "kms": { "arn": ARN, "enc": "YQ==", "context": { "Env": "prod" }, "aws_profile": "", "role": "" } });
    let (asked, run) = ask(&keys(), &[], entry);
    assert_eq!(run.data_key(0), "a2V5");
    let [question] = asked.as_slice() else { panic!() };
    assert_eq!(question.line, "POST /");
    assert_eq!(question.headers["x-amz-target"], "TrentService.Decrypt");
    assert_eq!(question.headers["content-type"], "application/x-amz-json-1.1");
    let body: Value = serde_json::from_str(&question.body).unwrap();
    assert_eq!(
        body,
        json!({ "CiphertextBlob": "YQ==", "EncryptionContext": { "Env": "prod" }, "KeyId": ARN })
    );
    assert!(question.headers["authorization"].contains("/eu-west-1/kms/aws4_request, "));
}

#[test]
fn a_request_is_signed_as_botocore_signs_it() {
    if !has("python3") {
        return;
    }
    let (asked, _) = ask(
        &[keys().as_slice(), &[("AWS_SESSION_TOKEN", "to/ken==")]].concat(),
        &[],
        kms("YQ=="),
    );
    let script = r"
import json, sys, datetime
try:
    import botocore.auth as auth, botocore.awsrequest as requests, botocore.credentials as credentials
except ImportError:
    sys.exit(3)
q = json.load(sys.stdin)
class Then(datetime.datetime):
    @classmethod
    def now(cls, tz=None): return cls.strptime(q['headers']['x-amz-date'], '%Y%m%dT%H%M%SZ').replace(tzinfo=tz)
    @classmethod
    def utcnow(cls): return cls.strptime(q['headers']['x-amz-date'], '%Y%m%dT%H%M%SZ')
for name in ('datetime',):
    module = getattr(auth, name)
    setattr(auth, name, type('d', (), {'datetime': Then, 'timezone': datetime.timezone, 'timedelta': datetime.timedelta}) if module is datetime else Then)
if hasattr(auth, 'get_current_datetime'): auth.get_current_datetime = lambda *a, **k: Then.utcnow()
names = ('content-type', 'x-amz-target')
r = requests.AWSRequest('POST', 'http://' + q['headers']['host'] + '/', {n: q['headers'][n] for n in names}, q['body'])
auth.SigV4Auth(credentials.Credentials('AKIAIOSFODNN7EXAMPLE', 'half', 'to/ken=='), 'kms', 'eu-west-1').add_auth(r)
print(r.headers['Authorization'])
";
    let mut python = Command::new("python3");
    python
        .args(["-c", script])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped());
    let mut child = python.spawn().unwrap();
    let question = json!({ "headers": asked[0].headers, "body": asked[0].body }).to_string();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), question.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    if output.status.code() == Some(3) {
        return common::skip("needs botocore");
    }
    assert_eq!(
        String::from_utf8(output.stdout).unwrap().trim(),
        asked[0].headers["authorization"]
    );
}

#[test]
fn sources_are_tried_in_the_order_of_the_tools_of_aws() {
    let files = [
        (
            "credentials",
            "[default]\naws_access_key_id = AKIADEFAULTDEFAULTDE\naws_secret_access_key = s\n",
        ),
        (
            "config",
            "[profile p]\naws_access_key_id = AKIAPROFILEPROFILEPR\naws_secret_access_key = s\n",
        ),
    ];
    let token = tempfile::NamedTempFile::new().unwrap();
    fs::write(token.path(), "jwt").unwrap();
    let token = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.path().to_str().unwrap()),
        ("AWS_ROLE_ARN", ROLE),
    ];
    let last_signer = |variables: &[(&str, &str)], files: &[(&str, &str)], profile: &str| {
        let (asked, run) = ask(variables, files, with_profile(profile));
        assert_eq!(run.data_key(0), "a2V5");
        signer(asked.last().unwrap()).to_owned()
    };
    let all = [keys().as_slice(), &token, &[("AWS_PROFILE", "p")]].concat();
    assert_eq!(last_signer(&all, &files, "p"), "AKIAPROFILEPROFILEPR");
    assert_eq!(last_signer(&all, &files, "default"), "AKIADEFAULTDEFAULTDE");
    assert_eq!(last_signer(&all, &files, ""), ID);
    assert_eq!(last_signer(&all[2..], &files, ""), "ASIAROLEROLEROLEROLE");
    assert_eq!(last_signer(&all[4..], &files, ""), "AKIAPROFILEPROFILEPR");
    assert_eq!(last_signer(&[], &files, ""), "AKIADEFAULTDEFAULTDE");
    assert_eq!(last_signer(&keys()[..1], &[], ""), "ASIAISSUEDISSUEDISSU");
}

/// The file chooses the partition, and with it who gets the token.
#[test]
fn a_token_of_another_issuer_stays_in_the_partition_of_its_role() {
    let token = tempfile::NamedTempFile::new().unwrap();
    fs::write(token.path(), "jwt").unwrap();
    let path = token.path().to_str().unwrap();
    let variables = [("AWS_WEB_IDENTITY_TOKEN_FILE", path), ("AWS_ROLE_ARN", ROLE)];
    let arn = "arn:aws-cn:kms:cn-north-1:111122223333:key/x";
    let entry = json!({ "kms": { "arn": arn, "enc": "YQ==" } });
    let refused = run(&variables, &request(std::slice::from_ref(&entry)));
    assert_eq!(refused.error(0, "kind"), "address_refused");
    assert_eq!(
        refused.error(0, "cause"),
        format!(
            "the key is in the partition aws-cn of AWS, and the role {ROLE} is not, so the token in {path} is not sent there"
        )
    );
    // Where the configuration names the server, the file chooses nothing.
    let (_, named) = ask(&variables, &[], entry.clone());
    assert_eq!(named.data_key(0), "a2V5");
    let role = ("AWS_ROLE_ARN", "arn:aws-cn:iam::111122223333:role/sops");
    assert_eq!(run(&[variables[0], role], &request(&[entry])).error(0, "kind"), "unreachable");
}

#[test]
fn a_file_that_others_may_write_is_not_used() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("file");
    let path = path.to_str().unwrap();
    fs::write(path, "[default]\naws_access_key_id = A\naws_secret_access_key = B\n").unwrap();
    let refused = |variables: &[(&str, &str)]| {
        fs::set_permissions(path, fs::Permissions::from_mode(0o620)).unwrap();
        let (asked, run) = ask(variables, &[], kms("YQ=="));
        assert!(asked.is_empty(), "{variables:?}");
        let why = run.error(0, "cause") + "; " + &run.error(0, "remedy");
        let to_do = format!("let nobody but its owner write it: chmod go-w {path}");
        assert_eq!(why, format!("{path}: others than its owner may write it; {to_do}"));
        fs::set_permissions(path, fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(ask(variables, &[], kms("YQ==")).1.data_key(0), "a2V5");
    };
    refused(&[("AWS_CONFIG_FILE", path)]);
    refused(&[("AWS_SHARED_CREDENTIALS_FILE", path)]);
    refused(&[("AWS_WEB_IDENTITY_TOKEN_FILE", path), ("AWS_ROLE_ARN", ROLE)]);
    fs::set_permissions(path, fs::Permissions::from_mode(0o602)).unwrap();
    let container = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/x"),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path),
    ];
    let (_, run) = ask(&container, &[], kms("YQ=="));
    assert_eq!(run.error(0, "cause"), format!("{path}: others than its owner may write it"));
    if rustix::process::geteuid().is_root() {
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::chown(path, Some(1000), None).unwrap();
        let (_, run) = ask(&[("AWS_CONFIG_FILE", path)], &[], kms("YQ=="));
        assert_eq!(
            run.error(0, "cause"),
            format!("{path}: it belongs to somebody else than root and the user of this run")
        );
    }
}

#[test]
fn the_metadata_service_is_asked_with_a_token() {
    let (asked, run) = ask(&[], &[], kms("YQ=="));
    assert_eq!(run.data_key(0), "a2V5");
    assert_eq!(asked[0].headers["x-aws-ec2-metadata-token-ttl-seconds"], "300");
    assert_eq!(asked[2].headers["x-aws-ec2-metadata-token"], "imds-token");
    assert_eq!(asked[3].headers["x-amz-security-token"], "tok");
}

#[test]
fn a_container_endpoint_may_be_on_this_host_alone() {
    let server = aws();
    let url = format!("{}/container", server.url);
    let variables = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", url.as_str()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "auth"),
    ];
    let (asked, run) = ask(&variables, &[], kms("YQ=="));
    assert_eq!(run.data_key(0), "a2V5");
    assert_eq!(signer(&asked[0]), "ASIAISSUEDISSUEDISSU");
    assert_eq!(server.asked()[0].headers["authorization"], "auth");
    let far = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://192.0.2.1/x")];
    let (_, run) = ask(&far, &[], kms("YQ=="));
    assert_eq!(run.error(0, "kind"), "no_credentials");
}

#[test]
fn roles_are_assumed() {
    let entry = json!({ "kms": { "arn": ARN, "enc": "YQ==", "role": ROLE } });
    let (asked, _) = ask(&keys(), &[], entry);
    assert!(
        asked[0].body.contains("Action=AssumeRole&") && asked[0].body.contains("&RoleSessionName=sops%40"),
        "{}",
        asked[0].body
    );
    assert_eq!((signer(&asked[0]), signer(&asked[1])), (ID, "ASIAROLEROLEROLEROLE"));
    assert_eq!(asked[1].headers["x-amz-security-token"], "role-token");

    let config = "[profile a]\nrole_arn = arn:x\nsource_profile = b\nexternal_id = e/x\nrole_session_name = me\n\
                  [profile b]\naws_access_key_id = AKIABBBBBBBBBBBBBBBB\naws_secret_access_key = s\n";
    let (asked, _) = ask(&[], &[("config", config)], with_profile("a"));
    assert!(
        asked[0]
            .body
            .ends_with("&RoleArn=arn%3Ax&RoleSessionName=me&ExternalId=e%2Fx"),
        "{}",
        asked[0].body
    );
    assert_eq!(signer(&asked[0]), "AKIABBBBBBBBBBBBBBBB");
}

#[test]
fn a_program_may_print_credentials() {
    let process = |command: &str| format!("[default]\ncredential_process = {command}\n");
    let printed = process(r#"echo '{"Version":1,"AccessKeyId":"AKIAPRINTEDPRINTEDPR","SecretAccessKey":"s"}'"#);
    let (asked, _) = ask(&[], &[("config", &printed)], kms("YQ=="));
    assert_eq!(signer(&asked[0]), "AKIAPRINTEDPRINTEDPR");
    for (command, why) in [("echo no", "printed no credentials"), ("exit 3", "failed: exit status: 3")] {
        let (_, run) = ask(&[], &[("config", &process(command))], kms("YQ=="));
        assert_eq!(
            run.error(0, "cause"),
            format!("the credential_process of the profile default {why}")
        );
    }
}

#[test]
fn such_a_program_gets_what_is_about_aws_and_no_other_credentials() {
    let server = aws();
    let home = tempfile::tempdir().unwrap();
    let (config, seen) = (home.path().join("config"), home.path().join("seen"));
    let command = format!("env > {}", seen.display());
    fs::write(&config, format!("[default]\ncredential_process = {command}\n")).unwrap();
    let mut asked = request(&[kms("YQ==")]);
    asked["environment"] = json!({ "AWS_CONFIG_FILE": config, "AWS_ENDPOINT_URL": server.url });
    // The units that install secrets have no shell in their `PATH`.
    let variables = [
        ("PATH", "/nowhere:/usr/bin"),
        ("AZURE_CLIENT_SECRET", "a"),
        ("VAULT_TOKEN", "b"),
        ("BAO_TOKEN", "c"),
    ];
    run(&variables, &asked);
    let seen = fs::read_to_string(seen).unwrap();
    assert!(seen.contains("AWS_CONFIG_FILE=") && seen.contains("PATH=/nowhere"), "{seen}");
    for other in ["AZURE_", "VAULT_", "BAO_"] {
        assert!(!seen.contains(other), "{seen}");
    }
}

#[test]
fn a_setting_that_is_not_obeyed_is_refused() {
    let config = "[profile p]\nendpoint_url = https://a\naws_access_key_id = A\naws_secret_access_key = B\n";
    let (asked, run) = ask(&[], &[("config", config)], with_profile("p"));
    assert!(asked.is_empty());
    assert_eq!(
        run.error(0, "cause"),
        "the profile p has endpoint_url, which this program does not obey in a profile"
    );
    assert_eq!(run.error(0, "remedy"), "remove it there, and set AWS_ENDPOINT_URL");
}

#[test]
fn the_metadata_service_of_another_cloud_is_told_from_that_of_aws() {
    let other = Server::new(|_| (404, "", "<html>\nnot here\n</html>".to_owned()));
    let run = run(&[("AWS_EC2_METADATA_SERVICE_ENDPOINT", &other.url)], &request(&[kms("YQ==")]));
    let cause = run.error(0, "cause");
    assert!(
        cause.contains("(no metadata service of AWS is here, or it is switched off)"),
        "{cause}"
    );
    assert_eq!(other.asked().len(), 1);
}

#[test]
fn a_profile_that_cannot_be_used_is_named() {
    let config = "[profile loop]\nrole_arn = x\nsource_profile = again\n[profile again]\nrole_arn = x\nsource_profile = loop\n\
                  [profile sso]\nsso_session = s\n[profile mfa]\nrole_arn = x\nmfa_serial = y\nsource_profile = sso\n";
    for (profile, why) in [
        ("none", "no profile none, which `aws_profile` in the file names, in "),
        ("loop", "leads to itself by source_profile"),
        ("sso", "the profile sso signs in with SSO, which needs a person"),
        ("mfa", "the profile mfa asks for a code of a device"),
    ] {
        let (_, run) = ask(&keys(), &[("config", config)], with_profile(profile));
        assert!(run.error(0, "cause").contains(why), "{}", run.text);
        assert_eq!(run.error(0, "kind"), "no_credentials");
    }
}

#[test]
fn without_credentials_all_places_are_named() {
    let (_, run) = ask(&[("AWS_EC2_METADATA_DISABLED", "true")], &[], kms("YQ=="));
    let cause = run.error(0, "cause");
    for place in [
        "AWS_ACCESS_KEY_ID,",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        ".aws/config (not there)",
        ".aws/credentials (not there)",
        "METADATA_DISABLED",
    ] {
        assert!(cause.contains(place), "{cause}");
    }
}

#[test]
fn a_refusal_says_who_asked_and_what_to_do() {
    let refusing = |body: &'static str| {
        let server = Server::new(move |_| (400, "Date: Mon, 30 Nov 2026 06:00:00 GMT\r\n", body.to_owned()));
        run(
            &[keys().as_slice(), &[("AWS_ENDPOINT_URL", &server.url)]].concat(),
            &request(&[kms("YQ==")]),
        )
    };
    let denied = refusing(r#"{"__type":"AccessDeniedException","Message":"User x is not authorized"}"#);
    assert_eq!(
        denied.lines[&0]["error"],
        json!({
            "service": "AWS KMS",
            "key": ARN,
            "kind": "denied",
            "cause": "User x is not authorized",
            "remedy": format!("allow kms:Decrypt on {ARN} for this identity"),
            "identity": format!("access key {ID}, from the environment"),
            "status": "AccessDeniedException (HTTP 400)",
        })
    );
    let skewed = refusing(r#"{"__type":"InvalidSignatureException","message":"Signature not yet current: 2027"}"#);
    assert_eq!(skewed.error(0, "kind"), "clock");
    assert!(
        skewed
            .error(0, "cause")
            .ends_with("that of AWS Mon, 30 Nov 2026 06:00:00 GMT")
    );
}

#[test]
fn without_authorities_no_server_is_trusted() {
    let run = run(&keys(), &request(&[kms("YQ==")]));
    assert_eq!(
        run.error(0, "cause"),
        "no certificate authority is known: AWS_CA_BUNDLE and SSL_CERT_FILE are not set"
    );
}
