//! Reads gpg's status lines, which are for programs: `[GNUPG:] KEYWORD ARGUMENT…` (doc/DETAILS of GnuPG).

use super::failure::GpgFailure;
use crate::text::diagnosis::Diagnosis;

/// Checks that gpg confirms the content that it printed. `text` is gpg's standard error, which has status lines and lines for
/// people.
///
/// gpg also prints the content of a message that is not encrypted. gpg even prints the content of an altered message, but reports
/// an error as well. Only the status lines `DECRYPTION_OKAY` and `GOODMDC` together mean that the message was encrypted and not
/// altered.
///
/// # Errors
///
/// The failure that the status lines show.
pub(crate) fn judge(text: &str) -> Result<(), GpgFailure> {
    let status = Status(text);
    if status.has("DECRYPTION_OKAY") && status.has("GOODMDC") {
        return Ok(());
    }
    Err(status.failure().unwrap_or_else(|| GpgFailure::other(text)))
}

/// The standard error of gpg, of which only the status lines are read.
struct Status<'a>(&'a str);

impl Status<'_> {
    fn lines(&self) -> impl Iterator<Item = &str> {
        self.0.lines().filter_map(|line| line.strip_prefix("[GNUPG:] "))
    }

    /// Whether there is a status line that begins with `words`.
    fn has(&self, words: &str) -> bool {
        let mut lines = self.lines();
        lines.any(|line| {
            line.strip_prefix(words)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        })
    }

    /// The cause of the failure. The most specific status lines are checked first, because gpg ends every failed decryption with
    /// the line for "no secret key". Returns `None` if no status line explains the failure.
    fn failure(&self) -> Option<GpgFailure> {
        if self.has("NEED_PASSPHRASE_SYM") {
            return Some(of_message("encrypted with a passphrase, not to a key"));
        }
        if let Some(failure) = self.lines().find_map(failure_of_key) {
            return Some(GpgFailure::of_message(failure));
        }
        Some(match () {
            () if self.has("NO_SECKEY") => GpgFailure::no_secret_key(),
            // The message has no modification detection code (RFC 4880, 5.14).
            () if self.has("DECRYPTION_INFO 0") && !self.is_aead() => {
                of_message("refused: the message has no integrity protection, so somebody could have altered it")
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

    /// Whether the message is protected by AEAD (authenticated encryption), which replaces the modification detection code. The
    /// third argument shows AEAD: `DECRYPTION_INFO <mdc> <cipher> <aead>`.
    fn is_aead(&self) -> bool {
        let mut lines = self.lines().filter_map(|line| line.strip_prefix("DECRYPTION_INFO "));
        lines.any(|line| line.split(' ').nth(2).is_some_and(|aead| aead != "0"))
    }
}

fn of_message(cause: &str) -> GpgFailure {
    GpgFailure::of_message(Diagnosis::bare(cause))
}

/// The failure that the status line `ERROR pkdecrypt_failed <code>` means. The low 16 bits of the code are the error; the other
/// bits say which program reported the error (gpg-error.h).
fn failure_of_key(line: &str) -> Option<Diagnosis> {
    let code: u32 = line
        .strip_prefix("ERROR pkdecrypt_failed ")?
        .split(' ')
        .next()?
        .parse()
        .ok()?;
    Some(match code & 0xffff {
        // In this order: there is no pinentry; the person did not confirm; there is no passphrase; a pinentry finds no terminal
        // (ENOTTY). The codes do not tell what is needed, since gpg-agent also asks a person to insert a missing card.
        85 | 114 | 177 | 0x8066 => Diagnosis::new(
            "gpg asks for a passphrase, a PIN or a smart card, but nobody is here to answer",
            "use a key that needs none of these",
        ),
        // In this order: the time was over; the person canceled the question; the person canceled the whole operation.
        62 | 99 | 198 => Diagnosis::new(
            "gpg asked for a passphrase or PIN, and got no answer",
            "run this again, and type the passphrase or PIN",
        ),
        // In this order: a wrong passphrase; a wrong PIN.
        11 | 87 => Diagnosis::new("the passphrase or PIN is wrong", "run this again, and type the right one"),
        // In this order: the card reports an error, was reset, was removed, or is not present; there is no such device (ENODEV).
        108..=110 | 112 | 0x8050 => Diagnosis::new("gpg finds no smart card", "insert the card, and run this again"),
        119 => Diagnosis::new(
            "gpg finds no smart card: scdaemon, a part of GnuPG, is not installed",
            "install scdaemon, and run this again",
        ),
        130 => Diagnosis::new(
            "the smart card is blocked after too many wrong PINs",
            "to unblock the card, run: gpg --card-edit",
        ),
        _ => return None,
    })
}
