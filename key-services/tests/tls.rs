//! Which servers are trusted by TLS, and which ones the services have by default. Certificates are made by openssl, the server is one of the tests'.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test that cannot go on fails.

mod common;

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
    thread,
};

use common::{Run, gcp_kms, has, request, run, vault};
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::WebPkiClientVerifier,
};
use serde_json::json;

/// Makes an authority, and a certificate of it for `name`, in `directory`.
fn certify(directory: &Path, name: &str) {
    let script = r#"
        cd "$0" && exec 2>/dev/null &&
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem &&
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=server -keyout server.key -out server.csr &&
        printf 'subjectAltName=%s\n' "$1" > names &&
        openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.pem"#;
    assert!(
        Command::new("sh")
            .args(["-c", script])
            .arg(directory)
            .arg(name)
            .status()
            .unwrap()
            .success()
    );
}

/// What the server was asked: heads and bodies.
type Log = Arc<Mutex<Vec<String>>>;

/// Starts a server that plays Vault with the certificate in `directory`; returns its port.
fn serve(directory: &Path) -> u16 {
    serve_all(directory).0
}

/// Starts a server that plays all services with the certificate in `directory`, and a proxy that leads to them. Returns its port, and what it was asked.
fn serve_all(directory: &Path) -> (u16, Log) {
    serve_to(None, directory)
}

/// The same. If there is a path to authorities, the server answers nobody who has no certificate of theirs.
fn serve_to(clients: Option<&Path>, directory: &Path) -> (u16, Log) {
    let log = Log::default();
    let asked = log.clone();
    let certificate = CertificateDer::from_pem_file(directory.join("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(directory.join("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap();
    let config = match clients {
        None => config.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_file(path).unwrap()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
            config.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let config = Arc::new(config.with_single_cert(vec![certificate], key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let Ok(stream) = connected(stream) else { continue };
            let tls = StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream);
            let _ = answer(tls, &asked);
        }
    });
    (port, log)
}

/// The connection to the server that a client asks the proxy for, if it does.
fn connected(mut stream: TcpStream) -> std::io::Result<TcpStream> {
    let mut first = [0];
    stream.peek(&mut first)?;
    if first == *b"C" {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut first)?;
            head.extend(first);
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    }
    Ok(stream)
}

fn answer(tls: impl std::io::Read + std::io::Write, log: &Log) -> std::io::Result<()> {
    let mut tls = BufReader::new(tls);
    let (mut line, mut head, mut length) = (String::new(), String::new(), 0);
    while tls.read_line(&mut line)? > 2 {
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head += &line;
        line.clear();
    }
    let mut body = vec![0; length];
    tls.read_exact(&mut body)?;
    log.lock().unwrap().push(head + &String::from_utf8_lossy(&body));
    let body = json!({ "data": { "plaintext": "a2V5" }, "access_token": "ya29.issued", "plaintext": "a2V5", "plain_text": "a2V5", "projects": [{ "id": "p" }] }).to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    tls.get_mut().write_all((head + &body).as_bytes())?;
    tls.get_mut().flush()
}

fn ask(port: u16, variables: &[(&str, &str)]) -> Run {
    let address = format!("https://localhost:{port}");
    let fixed = [("VAULT_ADDR", address.as_str()), ("VAULT_TOKEN", "t")];
    run(&[&fixed, variables].concat(), &request(&[vault(&address)]))
}

#[test]
fn the_authorities_of_the_variables_are_trusted_and_no_others() {
    if !has("openssl") {
        return;
    }
    let (directory, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    certify(directory.path(), "DNS:localhost");
    certify(other.path(), "DNS:localhost");
    let path = |directory: &tempfile::TempDir| directory.path().join("ca.pem").to_str().unwrap().to_owned();
    let (good, bad) = (path(&directory), path(&other));
    let port = serve(directory.path());
    assert_eq!(ask(port, &[("SSL_CERT_FILE", &good)]).data_key(0), "a2V5");
    assert_eq!(
        ask(port, &[("VAULT_CACERT", &good), ("SSL_CERT_FILE", &bad)]).data_key(0),
        "a2V5"
    );
    // What the configuration sets counts if the host has nothing else.
    assert_eq!(ask(port, &[("SOPS_CERT_FILE", &good)]).data_key(0), "a2V5");
    assert_eq!(
        ask(port, &[("SSL_CERT_FILE", &good), ("SOPS_CERT_FILE", &bad)]).data_key(0),
        "a2V5"
    );
    let run = ask(port, &[("VAULT_CACERT", &bad), ("SSL_CERT_FILE", &good)]);
    let trusted = format!("the certificate of https://localhost:{port} is not trusted: ");
    assert!(run.error(0, "cause").starts_with(&trusted), "{}", run.text);
    assert!(ask(port, &[]).error(0, "cause").contains("are not set"));
    let key = directory.path().join("server.key");
    let run = ask(port, &[("SSL_CERT_FILE", key.to_str().unwrap())]);
    assert!(
        run.error(0, "cause")
            .ends_with("which SSL_CERT_FILE names: has no certificate in it"),
        "{}",
        run.text
    );
}

#[test]
fn vault_gets_to_see_a_certificate_of_this_host() {
    if !has("openssl") {
        return;
    }
    let (of_server, of_host) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    certify(of_server.path(), "DNS:localhost");
    certify(of_host.path(), "DNS:host.example.com");
    let file = |directory: &tempfile::TempDir, name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (port, _) = serve_to(Some(&of_host.path().join("ca.pem")), of_server.path());
    let (authorities, certificate, key) = (
        file(&of_server, "ca.pem"),
        file(&of_host, "server.pem"),
        file(&of_host, "server.key"),
    );
    let ask = |further: &[(&str, &str)]| ask(port, &[&[("VAULT_CACERT", authorities.as_str())], further].concat());
    let both = [
        ("VAULT_CLIENT_CERT", certificate.as_str()),
        ("VAULT_CLIENT_KEY", key.as_str()),
    ];
    assert_eq!(ask(&both).data_key(0), "a2V5");
    let without = ask(&[]);
    // The server says why, unless it has gone before the question is sent.
    let cause = without.error(0, "cause");
    let server = format!("https://localhost:{port}");
    assert!(
        cause.starts_with(&format!("{server} breaks off the connection: ")) || cause.starts_with(&format!("{server}: ")),
        "{cause}"
    );
    assert_eq!(without.error(0, "kind"), "unreachable");
    assert_eq!(
        ask(&both[..1]).error(0, "cause"),
        "VAULT_CLIENT_CERT is set, but VAULT_CLIENT_KEY is not"
    );
    assert_eq!(
        ask(&both[1..]).error(0, "cause"),
        "VAULT_CLIENT_KEY is set, but VAULT_CLIENT_CERT is not"
    );
    let (other, empty) = (file(&of_server, "server.key"), file(&of_server, "names"));
    for (certificate, key, why) in [
        (&certificate, &other, "is not the key of the certificate in "),
        (&certificate, &empty, "has no private key in it"),
        (&empty, &key, "has no certificate in it"),
    ] {
        let run = ask(&[("VAULT_CLIENT_CERT", certificate), ("VAULT_CLIENT_KEY", key)]);
        assert!(run.error(0, "cause").contains(why), "{}", run.text);
        assert_eq!(run.error(0, "kind"), "bad_credentials");
    }
}

#[test]
fn a_certificate_for_another_name_is_not_trusted() {
    if !has("openssl") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    certify(directory.path(), "DNS:vault.example.com");
    let port = serve(directory.path());
    let authorities = directory.path().join("ca.pem");
    let run = ask(port, &[("SSL_CERT_FILE", authorities.to_str().unwrap())]);
    assert!(run.error(0, "cause").contains(" is not trusted: "), "{}", run.text);
}

#[test]
fn google_is_asked_at_its_own_hosts_for_a_person_who_signed_in() {
    if !has("openssl") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    certify(directory.path(), "DNS:oauth2.googleapis.com,DNS:cloudkms.googleapis.com");
    let (port, log) = serve_all(directory.path());
    let user = json!({ "type": "authorized_user", "client_id": "me", "client_secret": "half", "refresh_token": "1//r", "quota_project_id": "q" });
    let file = directory.path().join("user.json");
    fs::write(&file, user.to_string()).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let (authorities, proxy) = (directory.path().join("ca.pem"), format!("http://127.0.0.1:{port}"));
    let variables = [
        ("HTTPS_PROXY", proxy.as_str()),
        ("SSL_CERT_FILE", authorities.to_str().unwrap()),
        ("GOOGLE_APPLICATION_CREDENTIALS", file.to_str().unwrap()),
    ];
    let run = run(&variables, &request(&[gcp_kms("YQ==")]));
    assert_eq!(run.data_key(0), "a2V5");
    let asked = log.lock().unwrap().clone();
    let [token, decrypt] = asked.as_slice() else {
        panic!("{asked:?}")
    };
    let (token, decrypt) = (token.to_lowercase(), decrypt.to_lowercase());
    assert!(
        token.starts_with("post /token http/1.1") && token.contains("host: oauth2.googleapis.com"),
        "{token}"
    );
    assert!(
        token.ends_with("grant_type=refresh_token&client_id=me&client_secret=half&refresh_token=1%2f%2fr"),
        "{token}"
    );
    assert!(decrypt.contains("host: cloudkms.googleapis.com"), "{decrypt}");
    assert!(
        decrypt.contains("x-goog-user-project: q") && decrypt.contains("authorization: bearer ya29.issued"),
        "{decrypt}"
    );
}

#[test]
fn huawei_is_asked_at_its_own_hosts() {
    if !has("openssl") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    certify(
        directory.path(),
        "DNS:iam.cn-north-4.myhuaweicloud.com,DNS:kms.cn-north-4.myhuaweicloud.com",
    );
    let (port, log) = serve_all(directory.path());
    let (authorities, proxy) = (directory.path().join("ca.pem"), format!("http://127.0.0.1:{port}"));
    let variables = [
        ("HTTPS_PROXY", proxy.as_str()),
        ("SSL_CERT_FILE", authorities.to_str().unwrap()),
        ("HUAWEICLOUD_SDK_AK", "HPUA0123456789ABCDEF"),
        ("HUAWEICLOUD_SDK_SK", "half"),
    ];
    let entry = json!({ "hckms": { "key_id": "cn-north-4:0d0466b0", "enc": "YQ==" } });
    let run = run(&variables, &request(&[entry]));
    assert_eq!(run.data_key(0), "a2V5");
    let asked = log.lock().unwrap().clone();
    let [project, decrypt] = asked.as_slice() else {
        panic!("{asked:?}")
    };
    assert!(project.starts_with("GET /v3/projects?name=cn-north-4 ") && project.contains("iam.cn-north-4.myhuaweicloud.com"));
    assert!(decrypt.starts_with("POST /v1.0/p/kms/decrypt-data ") && decrypt.contains("kms.cn-north-4.myhuaweicloud.com"));
}
