//! Requests in the form in which they are signed. AWS and Huawei have the same one.

use std::{fmt::Write as _, time::SystemTime};

use ring::digest::{SHA256, digest};
use zeroize::Zeroizing;

/// A request, as far as it is signed.
pub(crate) struct Signed<'a> {
    /// The method.
    pub method: &'a str,
    /// The path, encoded once.
    pub path: &'a str,
    /// What follows the path, without its question mark: fields in the order of their names.
    pub query: &'a str,
    /// All headers that are signed, with their names in lower case.
    pub headers: Vec<(&'a str, &'a str)>,
    /// The body.
    pub body: &'a [u8],
}

impl Signed<'_> {
    /// The request in the form that is hashed, and the names of its headers. The form has the token of the credentials in it.
    pub(crate) fn canonical(&self) -> (Zeroizing<String>, String) {
        let mut headers = self.headers.clone();
        headers.sort_unstable();
        let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
        let mut text = Zeroizing::new(String::with_capacity(4096));
        let _ = writeln!(text, "{}\n{}\n{}", self.method, self.path, self.query);
        for (name, value) in headers {
            let words = value.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>();
            let _ = writeln!(text, "{name}:{}", *Zeroizing::new(words.join(" ")));
        }
        let _ = write!(text, "\n{names}\n{}", hash(self.body));
        (text, names)
    }
}

/// `now` as signatures have it: `20150830T123600Z`.
pub(crate) fn time(now: SystemTime) -> String {
    humantime::format_rfc3339_seconds(now).to_string().replace(['-', ':'], "")
}

/// The SHA-256 of `bytes`, in hexadecimal digits.
pub(crate) fn hash(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

/// `bytes` in hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_time_has_the_form_of_signatures() {
        assert_eq!(
            time(SystemTime::UNIX_EPOCH + Duration::from_mins(24_015_636)),
            "20150830T123600Z"
        );
    }
}
