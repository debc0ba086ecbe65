//! What identifies this host to AWS.

use crate::secret::Secret;

/// An access key.
pub(crate) struct Credentials {
    /// The public half. It is shown only if it looks like one: people mix up the two.
    pub id: String,
    /// The secret half.
    pub secret: Secret,
    /// The token of credentials that hold for a time.
    pub token: Option<Secret>,
    /// Where they come from, for messages.
    pub origin: String,
}

impl Credentials {
    /// As whom this host asks, for messages: `access key AKIA…, from …`.
    pub(crate) fn identity(&self) -> String {
        let is_public =
            (16..=128).contains(&self.id.len()) && self.id.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9'));
        let id = if is_public { self.id.as_str() } else { "of unusual form" };
        format!("access key {id}, from {}", self.origin)
    }

    /// The parts that must not be shown.
    pub(crate) fn secrets(&self) -> Vec<&str> {
        let token = self.token.as_ref().map(Secret::text);
        [Some(self.secret.text()), token].into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_in_the_place_of_the_public_half_is_not_shown() {
        let credentials = Credentials {
            id: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
            secret: Secret::from("AKIDEXAMPLE"),
            token: None,
            origin: "the environment".to_owned(),
        };
        assert_eq!(credentials.identity(), "access key of unusual form, from the environment");
    }
}
