//! Azure Key Vault. The tests play Azure: the real sops and the program get to it by a proxy, under the names of the real hosts.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;
use tempfile::TempDir;

use super::{Service, all_files, assert_opens, assert_refuses, has_all, manifest, note, with};
use crate::common::{Manifest, World};

/// Plays Azure.
const SERVER: &str = include_str!("azure.py");
const TENANT: &str = "11111111-2222-3333-4444-555555555555";
const CLIENT: &str = "66666666-7777-8888-9999-aaaaaaaaaaaa";
const VERSION: &str = "0123456789abcdef0123456789abcdef";

/// Azure, with its keys and its log in a directory.
struct Azure {
    service: Service,
    directory: TempDir,
    port: String,
}

impl Azure {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        // The user of the program reads the file of authorities.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let mut python = Command::new("python3");
        python.args(["-c", SERVER]).arg(directory.path());
        let quiet = python.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut service = Service(quiet.process_group(0).spawn().unwrap());
        let mut port = String::new();
        BufReader::new(service.0.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Self {
            service,
            directory,
            port: port.trim().to_owned(),
        }
    }

    /// The variables of a host with this secret.
    fn variables(&self, secret: &str) -> String {
        let (port, authorities) = (&self.port, self.directory.path().join("ca.pem"));
        format!(
            "HTTPS_PROXY=http://127.0.0.1:{port}\nSSL_CERT_FILE={}\nAZURE_TENANT_ID={TENANT}\nAZURE_CLIENT_ID={CLIENT}\nAZURE_CLIENT_SECRET={secret}\n",
            authorities.display()
        )
    }
}

/// What is said of the file `path` after `from` in it is replaced by `to`.
fn changed(world: &World, manifest: &Manifest, path: &Path, (from, to): (&str, &str)) -> String {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{text}");
    note(world, manifest, &world.write("changed.yaml", text.replace(from, to)))
}

#[test]
fn azure_key_vault_opens_files_of_all_formats_and_refuses_with_words() {
    if !has_all(&["sops", "python3", "openssl"]) {
        return;
    }
    let (world, azure) = (World::user(), Azure::start());
    let vault = "https://my-vault.vault.azure.net";
    let right = azure.variables("right~ secret+/");
    let group = json!({"azure_keyvault": [{"vaultUrl": vault, "key": "sops", "version": VERSION}]});
    let key = format!("{vault}/keys/sops/{VERSION}");
    let files = all_files(&world, &["--azure-kv", &key], &group, &right);
    let good = manifest(&world, &right);
    assert_opens(&world, &good, &files);

    let (_, _, file) = &files[0];
    let asked = format!("asked with application {CLIENT} of tenant {TENANT}, with the secret in AZURE_CLIENT_SECRET");
    let named = |name| changed(&world, &good, file, ("name: sops", &format!("name: {name}")));
    assert_eq!(
        named("denied"),
        format!(
            "Caller is not authorized to perform action on resource.; {asked}; answered ForbiddenByRbac (HTTP 403); give this identity the role Key \
             Vault Crypto User for the key denied (Microsoft.KeyVault/vaults/keys/decrypt/action), or an access policy of the vault with decrypt"
        )
    );
    assert_eq!(
        named("disabled"),
        format!(
            "Operation decrypt is not allowed on a disabled key.; {asked}; answered KeyDisabled (HTTP 403); enable this version of the key"
        )
    );
    assert!(named("gone").contains("answered KeyNotFound (HTTP 404); check the `name` and the `version` in the file"));
    assert!(named("replaced").contains("answered BadParameter (HTTP 400); the key of this name and version does not open"));
    assert_eq!(
        changed(&world, &good, file, ("my-vault.", "foreign.")),
        format!(
            "the vault belongs to the tenant 99999999-2222-3333-4444-555555555555, and this host to {TENANT}; {asked}; correct AZURE_TENANT_ID, or add \
             the tenant of the vault to AZURE_ADDITIONALLY_ALLOWED_TENANTS if the application is known there"
        )
        .replace(&format!("; {asked}"), "")
    );
    assert_eq!(
        changed(&world, &good, file, (vault, "https://my-vault.vault.azure.net.evil.example")),
        "the file asks for the token of this host to be sent to https://my-vault.vault.azure.net.evil.example, which is no vault of Azure, and which \
         nobody has allowed; if that is your server, add https://my-vault.vault.azure.net.evil.example to sops.keyServices.allowedEndpoints"
    );
    assert!(changed(&world, &good, file, ("name: sops", "name: ../secrets/x")).contains("has letters that no key of Azure has"));

    let weak = manifest(&world, &azure.variables("weak-secret"));
    assert_refuses(
        &world,
        &weak,
        &files,
        "; answered ForbiddenByRbac (HTTP 403); give this identity",
    );
    let expired = manifest(&world, &azure.variables("expired-secret"));
    assert_eq!(
        note(&world, &expired, file),
        format!(
            "AADSTS7000222: The provided client secret keys for app are expired.; {asked}; answered invalid_client (HTTP 401); the secret in \
             AZURE_CLIENT_SECRET has expired: make another one, and remove this one"
        )
    );
    let none = world.write("none.env", "AZURE_TOKEN_CREDENTIALS=EnvironmentCredential\n");
    assert_eq!(
        note(&world, &with(good.clone(), "environmentFile", json!(none)), file),
        "no credentials for Azure: looked for AZURE_CLIENT_SECRET, AZURE_CLIENT_SECRET_FILE, AZURE_CLIENT_CERTIFICATE_PATH and \
         AZURE_FEDERATED_TOKEN_FILE, each with AZURE_TENANT_ID and AZURE_CLIENT_ID, and for a managed identity (AZURE_TOKEN_CREDENTIALS leaves it \
         out); the tools az, azd and PowerShell are not started; give the host one of these"
    );
    let good = manifest(&world, &right);
    let Azure {
        service,
        directory: _directory,
        ..
    } = azure;
    drop(service);
    let gone = note(&world, &good, file);
    assert!(gone.contains("check the network, its name servers and its proxy"), "{gone}");
}
