//! Fields as forms send them (`application/x-www-form-urlencoded`).

use std::fmt::Write as _;

use zeroize::Zeroizing;

/// The type of a body with such fields.
pub(crate) const CONTENT_TYPE: &str = "application/x-www-form-urlencoded";

/// `fields`, each with its name and its value, in this order. The values may be secret.
pub(crate) fn form(fields: &[(&str, &str)]) -> Zeroizing<String> {
    let length = fields.iter().map(|(name, value)| name.len() + 3 * value.len() + 2).sum();
    let mut form = Zeroizing::new(String::with_capacity(length));
    for (name, value) in fields {
        let and = if form.is_empty() { "" } else { "&" };
        let _ = write!(form, "{and}{name}=");
        encode_into(&mut form, value);
    }
    form
}

/// `text`, in which all but letters, digits and `-._~` is escaped, so that nothing has a meaning in an address or a form.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(3 * text.len());
    encode_into(&mut encoded, text);
    encoded
}

fn encode_into(out: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => drop(write!(out, "%{byte:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_make_another_field() {
        assert_eq!(*form(&[("a", "b&c=d"), ("e", "f g/ü")]), "a=b%26c%3Dd&e=f%20g%2F%C3%BC");
        assert_eq!(*form(&[]), "");
    }
}
