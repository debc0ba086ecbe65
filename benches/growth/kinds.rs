//! The kinds of files that take long: what a person could put into a file without a key that opens it.

use crate::{claims, formats, made::Kind, messages};

/// All kinds.
pub fn all() -> Vec<Kind> {
    let kind = |name, make| Kind { name, make };
    vec![
        kind(
            "a long key with many leaves, under unencrypted_regex",
            claims::long_key_under_rule,
        ),
        kind("many keys under a pattern of many states", claims::many_states),
        kind("a pattern of many classes", claims::many_classes),
        kind("comment tokens below a long key", claims::comments_below_long_key),
        kind("a long name that could be meant", claims::long_name),
        kind("many names that could be meant", claims::many_names),
        kind("merge keys that bring many maps", claims::merges),
        kind("YAML: directives", formats::directives),
        kind("YAML: tags with a long prefix", formats::long_prefix),
        kind("YAML: brackets, deep and full", formats::deep_brackets),
        kind("YAML: keys of wide characters", formats::wide_keys),
        kind("YAML: comments in two columns, blocks that end", formats::columns),
        kind("YAML: comments and blank lines", formats::blank_comments),
        kind("YAML: many documents", formats::documents),
        kind("YAML: aliases", formats::aliases),
        kind("YAML: anchors", formats::anchors),
        kind("YAML: a scalar of many lines", formats::lines),
        kind("YAML: escapes", formats::escapes),
        kind("YAML: small floats", formats::yaml_floats),
        kind("JSON: small floats", formats::json_floats),
        kind("JSON: floats of many digits", formats::long_floats),
        kind("JSON: one name, many times", formats::one_name),
        kind("JSON: small values", formats::small_values),
        kind("JSON: large integers", formats::large_integers),
        kind("printed: deep JSON", formats::deep_json),
        kind("printed: deep YAML", formats::deep_yaml),
        kind("printed: lines in deep YAML", formats::deep_lines),
        kind("printed: INI with one long name", formats::long_ini_name),
        kind("INI: sections", formats::sections),
        kind("INI: comments and continued lines", formats::ini_lines),
        kind("INI: quotes that do not close", formats::ini_quotes),
        kind("dotenv: lines", formats::env_lines),
        kind("dotenv: metadata with long names", formats::env_metadata),
        kind("dotenv: metadata with deep names", formats::env_deep_metadata),
        kind("INI: metadata with deep names", formats::ini_deep_metadata),
        kind("JSON: metadata that nobody needs", formats::json_metadata),
        kind("YAML: metadata that nobody needs", formats::yaml_metadata),
        kind("metadata: keys", claims::many_keys),
        kind("metadata: key groups", claims::many_groups),
        kind("metadata: X25519 stanzas", messages::unnamed_x25519),
        kind("metadata: X25519 stanzas under the host's recipient", messages::named_x25519),
        kind(
            "metadata: ssh-ed25519 stanzas under the host's key",
            messages::named_ssh_ed25519,
        ),
        kind("metadata: ssh-rsa stanzas", messages::unnamed_ssh_rsa),
        kind("metadata: ssh-rsa stanzas under the host's key", messages::named_ssh_rsa),
        kind("metadata: OpenPGP messages under the host's key", messages::named_pgp),
        kind("a long token", claims::long_token),
        kind("a manifest of many secrets", claims::many_secrets),
        kind("a template of many placeholders", claims::many_placeholders),
    ]
}
