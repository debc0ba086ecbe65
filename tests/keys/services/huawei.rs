//! Tests Huawei Cloud KMS: the real sops encrypts by it, and this program opens what it encrypted. The service is played by `huawei.py`, which checks the
//! signatures of both.

use std::{fs, process::Command};

use serde_json::json;

use super::{Service, all_files, assert_opens, assert_refuses, has_all, manifest, note, with};
use crate::common::World;

const KEY: &str = "cn-north-4:0d0466b0-e727-4d9c-b35d-f84bb474a37f";
const PROJECT: &str = "HUAWEICLOUD_SDK_PROJECT_ID=0123456789abcdef0123456789abcdef\n";
const GOOD: &str = "HPUAGOODGOODGOODGOOD";
const PLAYED: &str = include_str!("huawei.py");

#[test]
fn huawei_cloud_kms_opens_files_of_all_formats_and_refuses_with_words() {
    if !has_all(&["sops", "python3"]) {
        return;
    }
    let world = World::user();
    let (service, port) = Service::telling_its_port(Command::new("python3").args(["-c", PLAYED]));
    let url = format!("http://127.0.0.1:{port}");
    let place = format!("HUAWEICLOUD_SDK_REGION_KMS_CN_NORTH_4={url}\nHUAWEICLOUD_SDK_IAM_ENDPOINT={url}\n");
    let keys = |id: &str, secret: &str| format!("{place}HUAWEICLOUD_SDK_AK={id}\nHUAWEICLOUD_SDK_SK={secret}\n");
    // sops asks the identity service by TLS alone, so it is told the project.
    let group = json!({"hckms": [{"key_id": KEY}]});
    let files = all_files(&world, &["--hckms", KEY], &group, &(keys(GOOD, "half") + PROJECT));
    let by_keys = manifest(&world, &keys(GOOD, "half"));
    assert_opens(&world, &by_keys, &files);
    let by = |variables: &str| with(by_keys.clone(), "environmentFile", json!(world.write("other.env", variables)));

    // An access key that holds for a time, and has a token, from a file.
    let profile = "[basic]\nak = HSTATEMPORARYTEMPORA\nsk = half\nsecurity_token = token\n";
    let profile = world.write("credentials", profile);
    let by_file = with(
        by(&place),
        "environment",
        json!({"HUAWEICLOUD_SDK_CREDENTIALS_FILE": profile}),
    );
    assert_opens(&world, &by_file, &files);

    let (_, _, file) = &files[0];
    let asked = |id: &str| format!("asked with access key {id}, from the environment; answered");
    assert_eq!(
        note(&world, &by(&(keys("HPUAWEAKWEAKWEAKWEAK", "half") + PROJECT)), file),
        format!(
            "No access rights; {} KMS.0306 (HTTP 403); allow kms:cmk:decryptData on 0d0466b0-e727-4d9c-b35d-f84bb474a37f for this identity",
            asked("HPUAWEAKWEAKWEAKWEAK")
        )
    );
    let weak = by(&(keys("HPUAWEAKWEAKWEAKWEAK", "half") + PROJECT));
    assert_refuses(&world, &weak, &files, " KMS.0306 (HTTP 403); allow kms:cmk:decryptData on");
    assert_eq!(
        note(&world, &by(&(keys(GOOD, "other") + PROJECT)), file),
        format!(
            "Incorrect IAM authentication information: verify aksk signature fail; {} APIGW.0301 (HTTP 401); correct the access key and its \
             secret half; after five faults, Huawei refuses a key for five minutes",
            asked(GOOD)
        )
    );
    let old = keys("HSTATEMPORARYTEMPORA", "half") + PROJECT + "HUAWEICLOUD_SDK_SECURITY_TOKEN=old\n";
    let expired = note(&world, &by(&old), file);
    assert!(
        expired.contains("token expires, ") && expired.ends_with("; renew the credentials"),
        "{expired}"
    );

    let text = fs::read_to_string(file).unwrap();
    let of_key = |key: &str| world.write("changed.yaml", text.replace(KEY, key));
    for (key, words) in [
        (
            "cn-north-4:00000000-0000-0000-0000-00000000000f",
            "answered KMS.0209 (HTTP 400); enable the key",
        ),
        (
            "cn-north-4:00000000-0000-0000-0000-000000000000",
            "answered KMS.0901 (HTTP 400); the key does not open this data key",
        ),
        (
            "cn-north-4.evil.example:0",
            "the `key_id` of the entry has not the form REGION:UUID; correct the name in .sops.yaml",
        ),
    ] {
        let told = note(&world, &by_keys, &of_key(key));
        assert!(told.contains(words), "{told}");
    }
    drop(service);
    let gone = note(&world, &by(&(keys(GOOD, "half") + PROJECT)), file);
    assert!(gone.starts_with(&format!("{url}: Connection refused")), "{gone}");
}
