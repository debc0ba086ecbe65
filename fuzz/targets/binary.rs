//! Reads binary files. Any bytes must come back unchanged, and a text that is no binary file must be refused with an error.
#![no_main]

use sops_install_secrets::sops::{SopsFile, format::Format};
use sops_install_secrets_fuzz::{formats::check, sealing, timed_fuzz_target};

timed_fuzz_target!(|bytes: &[u8]| {
    check(Format::Binary, bytes);
    let mac = sealing::mac([bytes]);
    let data = match bytes {
        [] => Vec::new(),
        _ => sealing::token(bytes, b"data:", "str"),
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let file = serde_json::json!({"data": text(&data), "sops": {
        "age": [{"recipient": "age1x", "enc": "x"}], "lastmodified": "2026-01-02T03:04:05Z", "mac": text(&mac),
    }})
    .to_string();
    let file = SopsFile::parse(Format::Binary, file.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    let decrypted = file.decrypt(&sealing::data_key()).unwrap_or_else(|error| panic!("{error}"));
    let whole = decrypted
        .into_whole(usize::MAX)
        .unwrap_or_else(|error| panic!("{error}"))
        .expect("nothing is longer");
    assert_eq!(whole.expose(), bytes);
});
