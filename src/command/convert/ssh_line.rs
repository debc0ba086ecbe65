//! One line with an SSH public key.

use crate::{
    command::key_list::{ListedKey, too_small},
    keys::{LineMark, NoRecipients, PublicLine, SshRecipients, is_age_recipient, public_key},
    text::{diagnosis::Diagnosis, printable::printable},
};

/// What was found in one line.
pub(crate) enum LineOutcome {
    /// A key, and perhaps a remark on it.
    Key(ListedKey, Option<Diagnosis>),
    /// No key is taken from the line, although nothing is wrong with it.
    LeftOut(Diagnosis),
    /// No key is taken from the line, because something is wrong with it.
    Bad(Diagnosis),
}

/// Looks for a public key in a line. `place` says where the line is.
pub(crate) fn key_of_line(line: &str, place: &str) -> LineOutcome {
    let Some(line) = public_key(line) else {
        return LineOutcome::Bad(no_key(line, place));
    };
    if let Some(mark) = line.mark() {
        return LineOutcome::LeftOut(left_out(place, meaning(mark)));
    }
    match SshRecipients::of_line(&line) {
        Ok(recipients) => {
            let remark = too_small(place, &recipients);
            let key = ListedKey {
                host: host(&line).map(str::to_owned),
                ..ListedKey::of_ssh(&title(&line, place), recipients)
            };
            LineOutcome::Key(key, remark)
        }
        Err(NoRecipients::OtherKind) => {
            let reason = format!("age does not know keys of kind {}", line.kind);
            LineOutcome::LeftOut(left_out(place, &reason))
        }
        Err(NoRecipients::Damaged) => LineOutcome::Bad(damaged(place)),
    }
}

/// Why the key of a line with this mark is no recipient.
fn meaning(mark: LineMark) -> &'static str {
    match mark {
        LineMark::Revoked => "its key is revoked",
        LineMark::Authority => "its key signs certificates, and belongs to no host or person",
    }
}

/// The host of a public key, as `ssh-keyscan` prints it.
fn host<'l>(line: &PublicLine<'l>) -> Option<&'l str> {
    Some(line.before).filter(|before| !before.is_empty() && !before.contains(['"', '=', ' ']))
}

/// The title of a public key: its comment or its host, if it has one, and the place at which it was found.
fn title(line: &PublicLine<'_>, place: &str) -> String {
    match [line.comment, host(line).unwrap_or_default()]
        .into_iter()
        .find(|name| !name.is_empty())
    {
        Some(name) => format!("{}, {place}", printable(name)),
        None => place.to_owned(),
    }
}

fn left_out(place: &str, reason: &str) -> Diagnosis {
    Diagnosis::bare(format!("{place} is left out: {reason}"))
}

fn damaged(place: &str) -> Diagnosis {
    Diagnosis::new(
        format!("cannot convert {place}: it is a damaged SSH public key"),
        "copy it again",
    )
}

/// The failure of a line without a whole key.
fn no_key(line: &str, place: &str) -> Diagnosis {
    if is_age_recipient(line) {
        return Diagnosis::new(
            format!("cannot convert {place}: it is an age recipient already"),
            "write it below age in .sops.yaml",
        );
    }
    let starts = [
        "ssh-ed25519 ",
        "ssh-rsa ",
        "ssh-dss ",
        "ecdsa-sha2-nistp",
        "sk-ssh-",
        "sk-ecdsa-",
        "AAAA",
    ];
    if starts.iter().any(|start| line.starts_with(start)) {
        return damaged(place);
    }
    Diagnosis::new(
        format!("cannot convert {place}: it has no SSH key"),
        "correct or remove the line",
    )
}
