//! Parses age identities that only a plugin can use.

use age_core::primitives::bech32_decode;

use crate::system::plaintext::Plaintext;

/// The beginning of every identity for a plugin. The name of the plugin follows.
const PREFIX: &str = "AGE-PLUGIN-";

/// An identity that only a plugin can use, `AGE-PLUGIN-NAME-1…`. The identity may be a secret itself, or only say where the
/// secret is.
pub(crate) struct PluginIdentity {
    text: Plaintext,
    plugin: String,
}

impl PluginIdentity {
    /// Parses an identity for a plugin. Returns `None` if `line` is no such identity, or if age does not allow the name of its
    /// plugin.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let plugin = bech32_decode(line, |_| (), |_| Ok(()), |prefix, _| plugin_of(prefix.as_str()).ok_or(())).ok()?;
        Some(Self {
            text: Plaintext::from(line.to_owned()),
            plugin,
        })
    }

    /// The name of the plugin, such as `yubikey`. The program of this plugin is called `age-plugin-yubikey`.
    pub(crate) fn plugin(&self) -> &str {
        &self.plugin
    }

    /// The text of the identity, in the form that the plugin gets.
    pub(crate) fn expose(&self) -> &[u8] {
        self.text.expose()
    }
}

/// The name of the plugin, from `prefix`, the human-readable part of an identity. The name becomes part of a file name, so a
/// slash is not allowed.
fn plugin_of(prefix: &str) -> Option<String> {
    let name = prefix.strip_prefix(PREFIX)?.strip_suffix('-')?.to_ascii_lowercase();
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+-._".contains(&byte);
    (!name.is_empty() && name.bytes().all(is_allowed)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Identities in the tests of Go's age.
    const NONEXISTENT: &str = "AGE-PLUGIN-NONEXISTENTPLUGIN-1R4XFW4";
    const TEST: &str = "AGE-PLUGIN-TEST-10Q32NLXM";

    fn identity(prefix: &str) -> String {
        age_core::primitives::bech32_encode(bech32::Hrp::parse(prefix).unwrap(), b"some data").to_uppercase()
    }

    fn plugin(line: &str) -> Option<String> {
        PluginIdentity::parse(line).map(|identity| identity.plugin().to_owned())
    }

    #[test]
    fn the_prefix_names_the_plugin() {
        assert_eq!(plugin(NONEXISTENT).as_deref(), Some("nonexistentplugin"));
        assert_eq!(plugin(TEST).as_deref(), Some("test"));
        for (prefix, name) in [
            ("AGE-PLUGIN-YUBIKEY-", "yubikey"),
            ("AGE-PLUGIN-SE-", "se"),
            ("AGE-PLUGIN-A-B.C_D+1-", "a-b.c_d+1"),
            ("AGE-PLUGIN-1P-", "1p"),
        ] {
            let line = identity(prefix);
            assert_eq!(plugin(&line).as_deref(), Some(name));
            assert_eq!(PluginIdentity::parse(&line).unwrap().expose(), line.as_bytes());
        }
    }

    #[test]
    fn a_name_that_is_no_file_name_is_no_plugin() {
        for prefix in [
            "AGE-PLUGIN-A/B-",
            "AGE-PLUGIN-../SH-",
            "AGE-PLUGIN--",
            "AGE-PLUGIN-",
            "AGE-PLUGIN-X",
            "AGE-SECRET-KEY-",
            "AGE-PLUGIN-A~B-",
        ] {
            assert_eq!(plugin(&identity(prefix)), None, "{prefix}");
        }
    }

    #[test]
    fn a_typing_error_and_small_letters_are_no_identity() {
        let line = identity("AGE-PLUGIN-X-");
        assert!(plugin(&line).is_some());
        assert_eq!(plugin(&line.to_lowercase()), None);
        assert_eq!(plugin(&format!("{line}Q")), None);
        assert_eq!(plugin(&line.replace("-X-", "-Y-")), None);
        assert_eq!(plugin(""), None);
        assert_eq!(plugin("AGE-PLUGIN-é-1"), None);
    }
}
