//! Tests Google Cloud KMS: the real sops encrypts by it, and this program opens what it encrypted. The service is played by `google.py`.

use std::process::Command;

use serde_json::json;

use super::{Service, all_files, assert_opens, assert_refuses, has_all, manifest, note, with};
use crate::common::World;

const KEY: &str = "projects/p/locations/europe-west3/keyRings/r/cryptoKeys/k";
const ACCOUNT: &str = "web@p.iam.gserviceaccount.com";
const PLAYED: &str = include_str!("google.py");

#[test]
fn google_cloud_kms_opens_files_of_all_formats_and_refuses_with_words() {
    if !has_all(&["sops", "python3"]) {
        return;
    }
    let world = World::user();
    let pem = world.fixture("ssh-writers/paramiko-rsa");
    let (service, port) = Service::telling_its_port(Command::new("python3").args(["-c", PLAYED]).arg(&pem));
    let url = format!("http://127.0.0.1:{port}");
    // Nothing at all listens at the address of the metadata service.
    let place = format!("SOPS_GCP_KMS_ENDPOINT={url}\nGCE_METADATA_HOST=127.0.0.1:1\n");
    let with_token = |token: &str| format!("{place}GOOGLE_OAUTH_ACCESS_TOKEN={token}\n");
    let of_sops = with_token("good") + "SOPS_GCP_KMS_CLIENT_TYPE=rest";
    let group = json!({"gcp_kms": [{"resource_id": KEY}]});
    let files = all_files(&world, &["--gcp-kms", KEY], &group, &of_sops);
    let by_token = manifest(&world, &with_token("good"));
    assert_opens(&world, &by_token, &files);

    // A service account signs a statement, which the service checks.
    let key = std::fs::read_to_string(&pem).unwrap();
    let account = json!({"type": "service_account", "client_email": ACCOUNT, "private_key": key, "private_key_id": "1", "token_uri": format!("{url}/token")});
    let account = world.write("account.json", account.to_string());
    let by_account = with(by_token.clone(), "environmentFile", json!(world.write("place.env", &place)));
    let by_account = with(by_account, "environment", json!({"GOOGLE_APPLICATION_CREDENTIALS": account}));
    assert_opens(&world, &by_account, &files);

    let (_, _, file) = &files[0];
    let by = |variables: &str| {
        let file = world.write("other.env", variables);
        with(by_token.clone(), "environmentFile", json!(file))
    };
    assert_eq!(
        note(&world, &by(&with_token("weak")), file),
        format!(
            "Permission 'cloudkms.cryptoKeyVersions.useToDecrypt' denied on resource '{KEY}' (or it may not exist); asked with the token in \
             GOOGLE_OAUTH_ACCESS_TOKEN; answered PERMISSION_DENIED (HTTP 403); grant roles/cloudkms.cryptoKeyDecrypter \
             (cloudkms.cryptoKeyVersions.useToDecrypt) on {KEY} to this identity; if there is no such key, correct `resource_id` in the file"
        )
    );
    let denied = "; answered PERMISSION_DENIED (HTTP 403); grant roles/cloudkms.cryptoKeyDecrypter";
    assert_refuses(&world, &by(&with_token("weak")), &files, denied);
    assert_eq!(
        note(&world, &by(&with_token("old")), file),
        "Request had invalid authentication credentials; asked with the token in GOOGLE_OAUTH_ACCESS_TOKEN; answered UNAUTHENTICATED (HTTP 401); \
         renew the token: it has expired, or is not one of this cloud"
    );
    let none = note(&world, &by(&place), file);
    assert!(
        none.starts_with("no credentials for Google Cloud: looked for GOOGLE_CREDENTIALS, "),
        "{none}"
    );

    let text = std::fs::read_to_string(file).unwrap();
    let of_key = |name: &str| {
        world.write(
            &format!("{name}.yaml"),
            text.replace("cryptoKeys/k", &format!("cryptoKeys/{name}")),
        )
    };
    for (name, words) in [
        (
            "off",
            "is not enabled, current state is: DISABLED; asked with the token in GOOGLE_OAUTH_ACCESS_TOKEN; answered FAILED_PRECONDITION (HTTP 400); enable the version of the key",
        ),
        (
            "none",
            "not found; asked with the token in GOOGLE_OAUTH_ACCESS_TOKEN; answered NOT_FOUND (HTTP 404); if there is no such key",
        ),
        (
            "other",
            "Decryption failed: verify that 'name' refers to the correct CryptoKey; asked with",
        ),
        (
            "..",
            "the `resource_id` of the entry has not the form projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY; correct the name",
        ),
    ] {
        let told = note(&world, &by_token, &of_key(name));
        assert!(told.contains(words), "{told}");
    }
    drop(service);
    let gone = note(&world, &by_token, file);
    assert!(gone.starts_with(&format!("{url}: Connection refused")), "{gone}");
}
