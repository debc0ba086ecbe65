//! ini files: what is read, printed, encrypted and decrypted stays the same.
#![no_main]

use sops_install_secrets::sops::format::Format;
use sops_install_secrets_fuzz::{formats::check, timed_fuzz_target};

timed_fuzz_target!(|text: &[u8]| check(Format::Ini, text));
