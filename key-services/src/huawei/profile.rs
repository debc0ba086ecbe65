//! The file with credentials of Huawei Cloud: `~/.huaweicloud/credentials`.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::environment::unquoted;

/// The settings in the section `basic` of `text`, which are those that a key service needs.
pub(crate) fn settings(text: &str) -> BTreeMap<String, Zeroizing<String>> {
    let (mut settings, mut is_ours) = (BTreeMap::new(), false);
    for line in text.trim_start_matches('\u{feff}').lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            is_ours = name.trim() == "basic";
        } else if let (true, false, Some((name, value))) = (is_ours, line.starts_with(['#', ';']), line.split_once(['=', ':'])) {
            settings.insert(
                name.trim().to_owned(),
                Zeroizing::new(unquoted(before_comment(value).trim()).to_owned()),
            );
        }
    }
    settings
}

/// What is before a comment, which needs a space before its mark.
fn before_comment(value: &str) -> &str {
    let end = [" #", " ;", "\t#", "\t;"].iter().filter_map(|mark| value.find(mark)).min();
    end.and_then(|end| value.get(..end)).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_section_basic_counts() {
        let text = "\u{feff}ak = none\n[global]\nak = other\n[ basic ]\n# ak = no\nak: A ; web\niam_endpoint = https://iam\n sk=\"b=c\" \nproject_id =\n[global]\nak = other\n";
        let settings = settings(text);
        let read = settings
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect::<Vec<_>>();
        assert_eq!(
            read,
            [
                ("ak", "A"),
                ("iam_endpoint", "https://iam"),
                ("project_id", ""),
                ("sk", "b=c")
            ]
        );
    }
}
