//! ini files: what is read, printed, encrypted and decrypted stays the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sops_install_secrets::sops::format::Format;
use sops_install_secrets_fuzz::formats::check;

fuzz_target!(|text: &[u8]| check(Format::Ini, text));
