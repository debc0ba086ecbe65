//! Hashes as crypt(3) reads them, for `/etc/shadow`.

use sha_crypt::{ROUNDS_DEFAULT, Sha512Params, sha512_crypt_b64};
use yescrypt::{Mode, Params, yescrypt};

use super::{error::TransformError, password::Password, salt::Salts};
use crate::system::plaintext::Plaintext;

/// Limit: a password of at most 511 bytes, because crypt(3) of libxcrypt refuses a longer one (`CRYPT_MAX_PASSPHRASE_SIZE`).
const MOST: usize = 511;

/// The digits of crypt(3).
const DIGITS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The password that `value` is, if crypt(3) takes it.
///
/// # Errors
/// When it does not.
pub(crate) fn password(value: &Plaintext) -> Result<Password<'_>, TransformError> {
    Password::of(value, MOST, "crypt")
}

/// The hash of `value` by SHA-512 (`$6$`), with the 5,000 rounds and the 16 characters of salt that `mkpasswd` chooses.
///
/// # Errors
/// When the value is no password that crypt(3) takes.
pub(crate) fn sha512(value: &Plaintext, salts: &Salts<'_>) -> Result<Plaintext, TransformError> {
    let password = password(value)?;
    let salt = salts.salt("sha512-crypt", &password)?;
    // 12 bytes are 16 digits.
    let salt = digits(salt.get(..12).unwrap_or_default());
    let rounds = Sha512Params::new(ROUNDS_DEFAULT).map_err(|_| TransformError::Library)?;
    let hash = sha512_crypt_b64(password.expose(), salt.expose(), &rounds).map_err(|_| TransformError::Library)?;
    Ok(joined(&[b"$6$", salt.expose(), b"$", Plaintext::from(hash).expose()]))
}

/// The hash of `value` by yescrypt (`$y$`), with the parameters that `mkpasswd` chooses: 16 MiB of memory.
///
/// # Errors
/// When the value is no password that crypt(3) takes.
pub(crate) fn yes(value: &Plaintext, salts: &Salts<'_>) -> Result<Plaintext, TransformError> {
    let password = password(value)?;
    let salt = salts.salt("yescrypt", &password)?;
    // `j9T` is how these parameters are spelled.
    let parameters = Params::new(Mode::Rw, 4096, 32, 1).map_err(|_| TransformError::Library)?;
    let mut hash = Plaintext::from(vec![0; 32]);
    yescrypt(password.expose(), &salt, &parameters, hash.expose_mut()).map_err(|_| TransformError::Library)?;
    Ok(joined(&[
        b"$y$j9T$",
        digits(&salt).expose(),
        b"$",
        digits(hash.expose()).expose(),
    ]))
}

/// Whether `text` can be a hash with this beginning, and with so many digits of salt and of hash behind it.
fn is_hash(text: &[u8], beginning: &[u8], lengths: [usize; 2]) -> bool {
    let Some(rest) = text.strip_prefix(beginning) else {
        return false;
    };
    let parts = rest.split(|byte| *byte == b'$').map(<[u8]>::len);
    parts.eq(lengths) && rest.iter().all(|byte| *byte == b'$' || is_digit(*byte))
}

/// Whether `text` can be what [`sha512`] makes.
pub(crate) fn is_sha512(text: &[u8]) -> bool {
    is_hash(text, b"$6$", [16, 86])
}

/// Whether `text` can be what [`yes`] makes.
pub(crate) fn is_yes(text: &[u8]) -> bool {
    is_hash(text, b"$y$j9T$", [22, 43])
}

/// Whether this is a digit of crypt(3).
pub(crate) fn is_digit(byte: u8) -> bool {
    DIGITS.contains(&byte)
}

/// The bytes in the digits of crypt(3), six bits each, the lowest first.
fn digits(bytes: &[u8]) -> Plaintext {
    let mut text = Plaintext::with_capacity(bytes.len().saturating_mul(2));
    for three in bytes.chunks(3) {
        let mut bits = three.iter().rev().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        for _ in 0..=three.len() {
            text.push(DIGITS.get(bits & 63..=bits & 63).unwrap_or_default());
            bits >>= 6;
        }
    }
    text
}

/// The parts, one behind the other.
fn joined(parts: &[&[u8]]) -> Plaintext {
    let mut text = Plaintext::with_capacity(parts.iter().map(|part| part.len()).sum());
    for part in parts {
        text.push(part);
    }
    text
}
