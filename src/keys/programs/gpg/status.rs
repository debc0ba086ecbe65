//! gpg's status lines, which are for programs: `[GNUPG:] KEYWORD ARGUMENT…` (doc/DETAILS of GnuPG).

use super::failure::GpgFailure;
use crate::text::diagnosis::Diagnosis;

/// Checks that gpg confirms what it printed. `text` is its standard error, where status lines stand among lines for people.
///
/// gpg also prints messages that are not encrypted, and altered ones, the latter with an error. Only both of these status lines together
/// mean that the message was encrypted and was not altered.
pub(crate) fn judge(text: &str) -> Result<(), GpgFailure> {
    let status = Status(text);
    if status.has("DECRYPTION_OKAY") && status.has("GOODMDC") {
        return Ok(());
    }
    Err(status.failure().unwrap_or_else(|| GpgFailure::other(text)))
}

/// The status lines.
struct Status<'a>(&'a str);

impl Status<'_> {
    fn lines(&self) -> impl Iterator<Item = &str> {
        self.0.lines().filter_map(|line| line.strip_prefix("[GNUPG:] "))
    }

    /// Whether there is a line that begins with `words`.
    fn has(&self, words: &str) -> bool {
        let mut lines = self.lines();
        lines.any(|line| {
            line.strip_prefix(words)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        })
    }

    /// The cause of the failure. The most specific status lines come first, because gpg ends every failure to decrypt with "no secret key".
    fn failure(&self) -> Option<GpgFailure> {
        if self.has("NEED_PASSPHRASE_SYM") {
            return Some(of_message("encrypted with a passphrase, not to a key"));
        }
        if let Some(failure) = self.lines().find_map(failure_of_key) {
            return Some(GpgFailure::of_message(failure));
        }
        Some(match () {
            () if self.has("NO_SECKEY") => GpgFailure::no_secret_key(),
            // It has no modification detection code (RFC 4880, 5.14).
            () if self.has("DECRYPTION_INFO 0") && !self.is_aead() => {
                of_message("refused: a message without integrity protection could have been altered")
            }
            () if self.has("BEGIN_DECRYPTION") && self.has("DECRYPTION_KEY") => {
                of_message("damaged: a key fits, but the content was altered")
            }
            () if self.has("NODATA") || self.has("UNEXPECTED") || self.has("PLAINTEXT") => {
                of_message("damaged: not an encrypted OpenPGP message")
            }
            () => return None,
        })
    }

    /// Whether the message is protected by AEAD, which is newer than the modification detection code: `DECRYPTION_INFO <mdc> <cipher>
    /// <aead>`.
    fn is_aead(&self) -> bool {
        let mut lines = self.lines().filter_map(|line| line.strip_prefix("DECRYPTION_INFO "));
        lines.any(|line| line.split(' ').nth(2).is_some_and(|aead| aead != "0"))
    }
}

fn of_message(cause: &str) -> GpgFailure {
    GpgFailure::of_message(Diagnosis::bare(cause))
}

/// What `ERROR pkdecrypt_failed <code>` means. The low 16 bits of a code are the error, the others where it arose (gpg-error.h).
fn failure_of_key(line: &str) -> Option<Diagnosis> {
    let code: u32 = line
        .strip_prefix("ERROR pkdecrypt_failed ")?
        .split(' ')
        .next()?
        .parse()
        .ok()?;
    Some(match code & 0xffff {
        // No pinentry; not confirmed; no passphrase; and a pinentry that finds no terminal (ENOTTY). gpg does not tell which is needed:
        // if a card is not there, gpg-agent first asks for it.
        85 | 114 | 177 | 0x8066 => Diagnosis::new(
            "gpg asks for a passphrase, a PIN or a smart card, and nobody can be asked here",
            "use a key that needs none of them",
        ),
        // Timeout; canceled; fully canceled.
        62 | 99 | 198 => Diagnosis::new(
            "gpg asked for a passphrase or PIN, and got none",
            "run this again, and type it",
        ),
        // A wrong passphrase; a wrong PIN.
        11 | 87 => Diagnosis::new("the passphrase or PIN is wrong", "run this again, and type the right one"),
        // A card's error, reset, removed, not present; no such device.
        108..=110 | 112 | 0x8050 => Diagnosis::new("gpg finds no smart card", "insert the card, and run this again"),
        119 => Diagnosis::new(
            "gpg finds no smart card: scdaemon, a part of GnuPG, is not installed",
            "install it, and run this again",
        ),
        130 => Diagnosis::new(
            "the smart card is blocked after too many wrong PINs",
            "unblock it: gpg --card-edit",
        ),
        _ => return None,
    })
}
