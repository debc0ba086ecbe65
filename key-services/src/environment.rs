//! The environment variables of this process, read once at the start.

use std::{collections::BTreeMap, env};

use zeroize::Zeroizing;

/// Variables by name. Some hold secrets, so all values are wiped when the value is dropped.
pub(crate) struct Environment(BTreeMap<String, Zeroizing<String>>);

impl Environment {
    /// The variables that this process was started with. Those that are no UTF-8 count as not set.
    pub(crate) fn of_process() -> Self {
        let texts = env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self(texts.map(|(name, value)| (name, Zeroizing::new(value))).collect())
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

    /// Whether the variable `name` is `true`, in any case.
    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// The path of `name` in the home directory, if the variable `HOME` is set.
    pub(crate) fn in_home(&self, name: &str) -> Option<String> {
        self.get("HOME").map(|home| format!("{}/{name}", home.trim_end_matches('/')))
    }
}
