//! What identifies this host to a cloud that takes signatures: AWS, Huawei.

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
        let id = if self.is_public() {
            self.id.as_str()
        } else {
            "of unusual form"
        };
        format!("access key {id}, from {}", self.origin)
    }

    /// The parts that must not be shown: also a secret in the place of the public half, if it is long enough for one.
    pub(crate) fn secrets(&self) -> Vec<&str> {
        let token = self.token.as_ref().map(Secret::text);
        let id = Some(self.id.as_str()).filter(|id| !self.is_public() && id.len() >= 8);
        [Some(self.secret.text()), token, id].into_iter().flatten().collect()
    }

    fn is_public(&self) -> bool {
        (16..=128).contains(&self.id.len()) && self.id.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9'))
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
        assert!(credentials.secrets().contains(&credentials.id.as_str()));
    }
}
