//! Which servers are trusted by TLS. Certificates are made by openssl, the server is one of the tests'.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test that cannot go on fails.

mod common;

use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::TcpListener,
    path::Path,
    process::Command,
    sync::Arc,
    thread,
};

use common::{Run, has, request, run, vault};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
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

/// Starts a server that plays Vault with the certificate in `directory`; returns its port.
fn serve(directory: &Path) -> u16 {
    let certificate = CertificateDer::from_pem_file(directory.join("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(directory.join("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let tls = StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream);
            let _ = answer(tls);
        }
    });
    port
}

fn answer(tls: impl std::io::Read + std::io::Write) -> std::io::Result<()> {
    let mut tls = BufReader::new(tls);
    let (mut line, mut length) = (String::new(), 0);
    while tls.read_line(&mut line)? > 2 {
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        line.clear();
    }
    tls.read_exact(&mut vec![0; length])?;
    let body = json!({ "data": { "plaintext": "a2V5" } }).to_string();
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
