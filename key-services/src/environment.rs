//! The variables that say how services are reached and what identifies this host: those of this process, of the configuration, and of a file.

use std::{collections::BTreeMap, env};

use zeroize::Zeroizing;

use crate::trusted_file::{self, Writer};

/// Variables that any program gets.
const GENERAL: [&str; 12] = [
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "LANG",
    "NO_PROXY",
    "PATH",
    "SSL_CERT_FILE",
    "TMPDIR",
    "USER",
    "XDG_RUNTIME_DIR",
    "https_proxy",
    "no_proxy",
];

/// Variables by name. Some hold secrets, so all values are wiped when the value is dropped.
pub(crate) struct Environment(BTreeMap<String, Zeroizing<String>>);

impl Environment {
    /// The variables that this process was started with. Those that are no UTF-8 count as not set.
    pub(crate) fn of_process() -> Self {
        let texts = env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self(texts.map(|(name, value)| (name, Zeroizing::new(value))).collect())
    }

    /// These variables, and those of the configuration: first `listed`, then those in `file`. A later value of a variable counts.
    ///
    /// # Errors
    ///
    /// A text that says why the file cannot be used. It has no part of the file.
    pub(crate) fn and(mut self, listed: BTreeMap<String, String>, file: Option<&str>) -> Result<Self, String> {
        self.0
            .extend(listed.into_iter().map(|(name, value)| (name, Zeroizing::new(value))));
        if let Some(path) = file {
            let fault = |why: String| format!("{path}: {why}; correct sops.keyServices.environmentFile");
            // It says to which servers credentials go.
            let text = trusted_file::read(path, Writer::Reader).map_err(|why| why.to_string());
            self.0.extend(text.and_then(|text| lines(&text)).map_err(fault)?);
        }
        Ok(self)
    }

    /// The variables in `pairs` alone.
    #[cfg(test)]
    pub(crate) fn of(pairs: &[(&str, &str)]) -> Self {
        let owned = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Zeroizing::new((*value).to_owned())));
        Self(owned.collect())
    }

    /// The value of the variable `name`, unless it is not set or empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.as_str()).filter(|value| !value.is_empty())
    }

    /// The variables that another program gets: those that every program gets, and those whose names begin with `prefix`.
    pub(crate) fn of_program(&self, prefix: &str) -> impl Iterator<Item = (&str, &str)> {
        let is_given = move |name: &str| GENERAL.contains(&name) || name.starts_with(prefix);
        let given = self.0.iter().filter(move |(name, _)| is_given(name));
        given.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether the variable `name` is `true`, in any case.
    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// The path of `name` in the home directory, if the variable `HOME` is set.
    pub(crate) fn in_home(&self, name: &str) -> Option<String> {
        self.get("HOME").map(|home| format!("{}/{name}", home.trim_end_matches('/')))
    }
}

/// The variables of a file that has one `NAME=VALUE` a line. Quotes around a whole value do not count; nothing else has a meaning. Blank lines and
/// those that begin with `#` or `;` do not count.
fn lines(text: &str) -> Result<Vec<(String, Zeroizing<String>)>, String> {
    let numbered = (1..).zip(text.lines().map(str::trim));
    let filled = numbered.filter(|(_, line)| !line.is_empty() && !line.starts_with(['#', ';']));
    let variable = |(number, line): (usize, &str)| {
        let (name, value) = line
            .split_once('=')
            .ok_or_else(|| format!("line {number} has not the form NAME=VALUE"))?;
        Ok((name.trim().to_owned(), Zeroizing::new(unquoted(value.trim()).to_owned())))
    };
    filled.map(variable).collect()
}

/// `value` without the quotes around all of it, if there are some.
pub(crate) fn unquoted(value: &str) -> &str {
    let within = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    within('"').or_else(|| within('\'')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_one_variable_a_line() {
        let text = "# comment\n; other\n\nA=b\n C = \"d e\" \nE='f'\nG=\nH=i=j\r\n";
        let read = lines(text).unwrap_or_default();
        let read: Vec<_> = read.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(read, [("A", "b"), ("C", "d e"), ("E", "f"), ("G", ""), ("H", "i=j")]);
        assert_eq!(
            lines("A=b\nsecret").err().as_deref(),
            Some("line 2 has not the form NAME=VALUE")
        );
    }

    #[test]
    fn a_later_value_counts() {
        let listed = BTreeMap::from([("A".to_owned(), "2".to_owned()), ("B".to_owned(), "3".to_owned())]);
        let merged = Environment::of(&[("A", "1"), ("C", "4")]).and(listed, None);
        let value = |name| merged.as_ref().ok().and_then(|merged| merged.get(name));
        assert_eq!([value("A"), value("B"), value("C")], [Some("2"), Some("3"), Some("4")]);
        let missing = Environment::of(&[]).and(BTreeMap::new(), Some("/nonexistent"));
        let why = "/nonexistent: No such file or directory (os error 2); correct sops.keyServices.environmentFile";
        assert_eq!(missing.err().as_deref(), Some(why));
    }
}
