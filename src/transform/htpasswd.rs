//! Lines of an htpasswd file, for web servers.

use base64::Engine as _;
use bcrypt::{BASE_64, bcrypt};

use super::{crypt::is_digit, error::TransformError, password::Password, salt::Salts};
use crate::system::plaintext::Plaintext;

/// Limit: a password of at most 72 bytes, because bcrypt ignores what comes behind them.
const MOST: usize = 72;
/// The power of two that is the number of rounds: that of `htpasswd -B`.
const COST: u32 = 5;

/// Whether a line of an htpasswd file can begin with this user name: the name ends at a colon, a line that begins with `#` is a comment,
/// and `htpasswd` refuses a name of more than 255 bytes.
pub(crate) fn is_user(name: &str) -> bool {
    (1..=255).contains(&name.len())
        && !name.starts_with('#')
        && name.trim() == name
        && !name.chars().any(|character| character == ':' || character.is_control())
}

/// The password that `value` is, if bcrypt counts all of it.
///
/// # Errors
/// When it does not.
pub(crate) fn password(value: &Plaintext) -> Result<Password<'_>, TransformError> {
    Password::of(value, MOST, "bcrypt")
}

/// The line for `user`, with the hash of `value` by bcrypt (`$2y$`) and a line end, as `htpasswd -B` writes it.
///
/// # Errors
/// When the value is no password, or is longer than bcrypt counts.
pub(crate) fn line(user: &str, value: &Plaintext, salts: &Salts<'_>) -> Result<Plaintext, TransformError> {
    let password = password(value)?;
    let salt = salts.salt(&format!("htpasswd:{user}"), &password)?;
    // The NUL at its end counts too, as far as there is room.
    let mut key = Plaintext::with_capacity(MOST.saturating_add(1));
    key.push(password.expose());
    key.push(b"\0");
    key.truncate(MOST);
    let hash = bcrypt(COST, salt, key.expose());
    // The last byte is left out in all such hashes.
    let hash = Plaintext::from(BASE_64.encode(hash.get(..23).unwrap_or_default()));
    let mut line = Plaintext::from(format!("{user}:$2y${COST:02}${}", BASE_64.encode(salt)));
    line.push(hash.expose());
    line.push(b"\n");
    Ok(line)
}

/// Whether `text` can be what [`line`] makes for `user`, or that without its line end.
pub(crate) fn is_line(user: &str, text: &[u8]) -> bool {
    /// The digits of the salt and of the hash.
    const DIGITS: usize = 22 + 31;
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let digits = text.strip_prefix(format!("{user}:$2y${COST:02}$").as_bytes());
    digits.is_some_and(|digits| digits.len() == DIGITS && digits.iter().copied().all(is_digit))
}
