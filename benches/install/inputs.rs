//! Makes sops files and manifests of any size, without sops. It encrypts as sops does, as far as a bench needs it.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use aes_gcm::aead::AeadInPlace as _;
use aes_gcm::aead::consts::U32;
use aes_gcm::{AesGcm, KeyInit as _, aes::Aes256};
use age::secrecy::ExposeSecret as _;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256, Sha512};

pub const LAST_MODIFIED: &str = "2024-01-01T00:00:00Z";

/// The data key of all files.
pub const DATA_KEY: [u8; 32] = [7; 32];

/// Encrypts files under `directory`.
pub struct Inputs {
    directory: PathBuf,
    /// The fields of the section `sops` that say to whom the files are encrypted: at first, to one age identity.
    pub recipients: Value,
    tokens: u64,
}

impl Inputs {
    /// Makes an age identity, whose file is the only thing written.
    pub fn new(directory: &Path) -> Self {
        let identity = age::x25519::Identity::generate();
        let recipient = identity.to_public();
        let enc = age::encrypt_and_armor(&recipient, &DATA_KEY).unwrap();
        let this = Self {
            directory: directory.to_owned(),
            recipients: json!({ "age": [{ "recipient": recipient.to_string(), "enc": enc }] }),
            tokens: 0,
        };
        let key = this.key_file();
        fs::write(&key, identity.to_string().expose_secret()).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        this
    }

    /// The file of the age identity.
    pub fn key_file(&self) -> PathBuf {
        self.directory.join("key.txt")
    }

    /// A YAML file of `count` secrets with the keys that [`key`] names.
    pub fn yaml(&mut self, name: &str, count: usize) -> PathBuf {
        let mut text = String::new();
        let mut mac = Sha512::new();
        for number in 0..count {
            let value = format!("the value of secret number {number:08}");
            mac.update(&value);
            let token = self.token(value.into_bytes(), &format!("{}:", key(number)));
            let _ = writeln!(text, "{}: {token}", key(number));
        }
        // Every JSON text is also YAML, so a second writer is not needed.
        let _ = writeln!(text, "sops: {}", self.metadata(mac));
        self.write(name, &text)
    }

    /// A JSON file of `count` values of `size` bytes each.
    pub fn json(&mut self, name: &str, count: usize, size: usize) -> PathBuf {
        let mut mac = Sha512::new();
        let mut file = serde_json::Map::new();
        for number in 0..count {
            let value = vec![b'x'; size];
            mac.update(&value);
            file.insert(key(number), self.token(value, &format!("{}:", key(number))).into());
        }
        file.insert("sops".to_owned(), self.metadata(mac));
        self.write(name, &Value::from(file).to_string())
    }

    /// A binary file of `size` bytes.
    pub fn binary(&mut self, name: &str, size: usize) -> PathBuf {
        let content: Vec<u8> = (0..size).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let mac = Sha512::new().chain_update(&content);
        let data = self.token(content, "data:");
        let file = json!({ "data": data, "sops": self.metadata(mac) });
        self.write(name, &file.to_string())
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// The section `sops` of a file whose values have this hash.
    pub fn metadata(&mut self, mac: Sha512) -> Value {
        let digest = mac
            .finalize()
            .iter()
            .fold(String::new(), |text, byte| format!("{text}{byte:02X}"));
        let mut metadata = json!({
            "lastmodified": LAST_MODIFIED,
            "mac": self.token(digest.into_bytes(), LAST_MODIFIED),
            "unencrypted_suffix": "_unencrypted",
            "version": "3.13.2",
        });
        let fields = self.recipients.as_object().unwrap().clone();
        metadata.as_object_mut().unwrap().extend(fields);
        metadata
    }

    /// A value as sops writes it. The nonces only have to be distinct, which is enough for a bench.
    fn token(&mut self, mut value: Vec<u8>, path: &str) -> String {
        self.tokens += 1;
        let nonce = Sha256::digest(self.tokens.to_le_bytes());
        let cipher = AesGcm::<Aes256, U32>::new(&DATA_KEY.into());
        let tag = cipher.encrypt_in_place_detached(&nonce, path.as_bytes(), &mut value).unwrap();
        let [data, iv, tag] = [&value[..], &nonce, &tag].map(|bytes| BASE64_STANDARD.encode(bytes));
        format!("ENC[AES256_GCM,data:{data},iv:{iv},tag:{tag},type:str]")
    }
}

/// The key and the name of a secret.
pub fn key(number: usize) -> String {
    format!("secret{number:05}")
}

/// The token that stands for a secret in templates.
pub fn placeholder(number: usize) -> String {
    let digest = Sha256::digest(key(number))
        .iter()
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    format!("<SOPS:{digest}:PLACEHOLDER>")
}

/// One secret of a manifest.
pub fn secret(link: &Path, name: &str, file: &Path, format: &str, key: &str) -> Value {
    json!({ "name": name, "key": key, "path": link.join(name), "sopsFile": file, "format": format, "mode": "0400" })
}
