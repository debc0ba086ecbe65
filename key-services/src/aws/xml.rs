//! The few texts that are needed from the XML of the token service.

/// The text of the first element `name` in `document`, which has no elements inside. Texts of the token service are keys, tokens and codes; of
/// what XML escapes, they can have `&amp;` in messages, which is left as it is.
pub(crate) fn text<'a>(document: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = document.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_that_does_not_end_has_no_text() {
        assert_eq!(text("<A><Code> x </Code></A>", "Code"), Some("x"));
        assert_eq!(text("<A><Code>x</A>", "Code"), None);
        assert_eq!(text("", "Code"), None);
    }
}
