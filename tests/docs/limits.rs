//! Checks that the limits in the documents are the limits in the source.

use regex::Regex;

use crate::{found, read};

/// A page, words on the page that contain a number, a source file, and the code that comes before the same number there.
type Row = (&'static str, &'static str, &'static str, &'static str);

const FORMAT: &str = "docs/sops-format.md";
const RELIABILITY: &str = "docs/reliability.md";
const STATE: &str = "docs/state.md";
const MANIFEST: &str = "docs/manifest.md";
const READERS: &str = "docs/readers.md";

const ROWS: &[Row] = &[
    (
        MANIFEST,
        "72 bytes with bcrypt",
        "src/transform/htpasswd.rs",
        "const MOST: usize = ",
    ),
    (
        MANIFEST,
        "511 bytes with the two others",
        "src/transform/crypt.rs",
        "const MOST: usize = ",
    ),
    (MANIFEST, "the cost 5", "src/transform/htpasswd.rs", "const COST: u32 = "),
    (
        READERS,
        "131,070 bytes with the name",
        "src/sops/env_file/systemd.rs",
        "const MOST: usize = ",
    ),
    (
        READERS,
        "65,534 bytes with the name",
        "src/sops/env_file/docker.rs",
        "const MOST: usize = ",
    ),
    (
        FORMAT,
        "200 levels of nesting",
        "src/sops/format/yaml/read/compose.rs",
        "const MOST_NESTED: usize = ",
    ),
    (
        FORMAT,
        "16 MiB of expanded aliases",
        "src/sops/format/yaml/read/convert.rs",
        "const ALIAS_BUDGET: usize = ",
    ),
    (
        FORMAT,
        "2,000,000 values",
        "src/sops/format/limits.rs",
        "const MOST_VALUES: usize = ",
    ),
    (
        FORMAT,
        "3,300,000 tokens",
        "src/sops/format/yaml/read/scan.rs",
        "const MOST_TOKENS: usize = ",
    ),
    (
        FORMAT,
        "a pattern of 64 KiB",
        "src/sops/pattern/mod.rs",
        "const LONGEST: usize = ",
    ),
    (
        FORMAT,
        "10 MiB when compiled",
        "src/sops/pattern/mod.rs",
        "const LARGEST: usize = ",
    ),
    (
        FORMAT,
        "8 bytes of paths for each byte",
        "src/sops/decrypt.rs",
        "const PATHS_PER_BYTE: usize = ",
    ),
    (
        FORMAT,
        "and 1 MiB, in all values",
        "src/sops/decrypt.rs",
        "const FEW_PATHS: usize = ",
    ),
    (
        FORMAT,
        "8 times the size",
        "src/sops/format/output.rs",
        "const BYTES_FOR_EACH: usize = ",
    ),
    (
        FORMAT,
        "of what it holds, and 16 MiB",
        "src/sops/format/output.rs",
        "const FEW: usize = ",
    ),
    (
        FORMAT,
        "10,000 recipients",
        "src/sops/metadata.rs",
        "const MOST_KEYS: usize = ",
    ),
    (
        FORMAT,
        "255 key groups",
        "src/sops/metadata.rs",
        "const MOST_GROUPS: usize = ",
    ),
    (
        FORMAT,
        "8 messages for RSA keys",
        "src/keys/effort.rs",
        "const fn of_file() -> Self {\n        Self::new(",
    ),
    (
        FORMAT,
        "4,000 tries of other keys.",
        "src/keys/effort.rs",
        "const fn of_file() -> Self {\n        Self::new(8, ",
    ),
    (
        FORMAT,
        "For all files of a run together 64",
        "src/keys/effort.rs",
        "const fn of_run() -> Self {\n        Self::new(",
    ),
    (
        FORMAT,
        "and 12,000 more",
        "src/keys/effort.rs",
        "const fn of_run() -> Self {\n        Self::new(64, ",
    ),
    (
        FORMAT,
        "7 messages for RSA keys besides",
        "src/keys/effort.rs",
        "Self::new(groups.min(MOST_RSA_GROUPS) + ",
    ),
    (
        FORMAT,
        "4,000 tries of other keys besides",
        "src/keys/effort.rs",
        "Self::new(groups.min(MOST_RSA_GROUPS) + 7, entries + ",
    ),
    (
        FORMAT,
        "one for each of at most 64 key groups",
        "src/keys/effort.rs",
        "const MOST_RSA_GROUPS: usize = ",
    ),
    (
        FORMAT,
        "100,000 lines of metadata",
        "src/sops/format/flat.rs",
        "const MOST_LINES: usize = ",
    ),
    (
        FORMAT,
        "once more for each 32 characters",
        "src/sops/format/limits.rs",
        "const FLOAT_UNIT: usize = ",
    ),
    (FORMAT, "32 levels", "src/sops/format/flat.rs", "const MAX_DEPTH: usize = "),
    (
        FORMAT,
        "a message of 64 KiB for one key",
        "src/keys/age/message.rs",
        "const MAX_MESSAGE_BYTES: usize = ",
    ),
    (
        FORMAT,
        "a message of 64 KiB for one key",
        "src/keys/openpgp/mod.rs",
        "const MAX_MESSAGE_BYTES: usize = ",
    ),
    (
        FORMAT,
        "an age message of 128 lines",
        "src/keys/age/message.rs",
        "const MAX_MESSAGE_LINES: usize = ",
    ),
    (
        FORMAT,
        "an OpenPGP message for 32 recipients",
        "src/keys/openpgp/mod.rs",
        "const MOST_RECIPIENTS: usize = ",
    ),
    (
        FORMAT,
        "of which 8 are tried with one key",
        "src/keys/openpgp/mod.rs",
        "const MOST_TRIES: usize = ",
    ),
    (
        FORMAT,
        "16 YAML merge keys",
        "src/sops/name_index.rs",
        "const MERGE_DEPTH: usize = ",
    ),
    (
        FORMAT,
        "at most 50,000 names",
        "src/sops/select.rs",
        "const MOST_SUGGESTIONS: usize = ",
    ),
    (
        FORMAT,
        "none longer than 64 bytes",
        "src/text/spelling.rs",
        "const LONGEST: usize = ",
    ),
    (
        FORMAT,
        "the first 200 characters",
        "src/sops/tree.rs",
        "const MOST_OF_KEY: usize = ",
    ),
    (
        RELIABILITY,
        "at most 5 s for the ledger",
        "src/system/budget.rs",
        "pub const LEDGER: Duration = ",
    ),
    (
        STATE,
        "A run waits 5 s for the lock",
        "src/system/budget.rs",
        "pub const LEDGER: Duration = ",
    ),
    (
        RELIABILITY,
        "explaining why not | 30 s",
        "src/system/budget.rs",
        "pub const FILE: Duration = ",
    ),
    (
        RELIABILITY,
        "in the order of their sizes) | 250 ms",
        "src/system/budget.rs",
        "pub const SIZE: Duration = ",
    ),
    (
        RELIABILITY,
        "all sops files together | 90 s",
        "src/system/budget.rs",
        "pub const FILES: Duration = ",
    ),
    (
        RELIABILITY,
        "all key files | 15 s",
        "src/system/budget.rs",
        "pub const KEY_FILES: Duration = ",
    ),
    (
        RELIABILITY,
        "all files of templates | 15 s",
        "src/system/budget.rs",
        "pub const TEMPLATE_FILES: Duration = ",
    ),
    (
        RELIABILITY,
        "waiting for another run | 60 s",
        "src/system/budget.rs",
        "pub const LOCK: Duration = ",
    ),
    (
        RELIABILITY,
        "for all requests | 60 s",
        "src/system/budget.rs",
        "pub const REQUESTS: Duration = ",
    ),
    (
        RELIABILITY,
        "a key command | 30",
        "src/system/budget.rs",
        "pub const PROGRAM: Duration = Duration::from_secs(",
    ),
    (
        MANIFEST,
        "at most 1048576 | 256",
        "src/manifest/settings.rs",
        "mebibytes.unwrap_or(",
    ),
    (
        MANIFEST,
        "at most 1048576",
        "src/manifest/settings.rs",
        "const LARGEST: u64 = ",
    ),
    (MANIFEST, "at most 86400", "src/manifest/settings.rs", "const LONGEST: u64 = "),
    (
        MANIFEST,
        "at most 36500",
        "src/manifest/settings.rs",
        "const MOST_DAYS: u64 = ",
    ),
    (
        "module-common/options.nix",
        "types.ints.between 1 36500",
        "src/manifest/settings.rs",
        "const MOST_DAYS: u64 = ",
    ),
    (
        "module-common/options.nix",
        "types.ints.between 1 1048576",
        "src/manifest/settings.rs",
        "const LARGEST: u64 = ",
    ),
    (
        "module-common/key-options.nix",
        "types.ints.between 1 86400",
        "src/manifest/settings.rs",
        "const LONGEST: u64 = ",
    ),
];

/// The last number in `words`. If it has a unit, the number is in bytes or milliseconds.
fn named(words: &str) -> u64 {
    let pattern = Regex::new(r"([0-9][0-9,]*)(?: (KiB|MiB|s|ms)(?-u:\b))?").unwrap();
    let number = pattern.captures_iter(words).last().unwrap();
    let digits: u64 = number[1].replace(',', "").parse().unwrap();
    digits * number.get(2).map_or(1, |unit| unit_of(unit.as_str()))
}

fn unit_of(unit: &str) -> u64 {
    match unit {
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "s" => 1000,
        _ => 1,
    }
}

/// The value of the expression with which the text begins: a number, a product, a shift, or a time in milliseconds.
fn value(expression: &str) -> u64 {
    let end = expression.find([';', ',', ')']).unwrap();
    let expression = &expression[..end];
    for (start, unit) in [("from_mins(", 60_000), ("from_secs(", 1000), ("from_millis(", 1)] {
        if let Some((_, count)) = expression.split_once(start) {
            return factor(count) * unit;
        }
    }
    match expression.split_once("<<") {
        Some((number, by)) => factor(number) << factor(by),
        None => expression.split('*').map(factor).product(),
    }
}

fn factor(text: &str) -> u64 {
    text.trim().replace('_', "").parse().unwrap_or_else(|_| panic!("{text}"))
}

#[test]
fn each_limit_that_is_named_is_the_one_of_the_source() {
    let faults = ROWS.iter().filter_map(|(page, words, source, before)| {
        if !read(page).contains(words) {
            return Some(format!("{words:?} is not in {page}"));
        }
        let text = read(source);
        let Some((_, expression)) = text.split_once(before) else {
            return Some(format!("{before:?} is not in {source}"));
        };
        let (named, value) = (named(words), value(expression));
        (named != value).then(|| format!("{page} has {words:?}, which is {named}; {source} has {value}"))
    });
    assert_eq!(faults.collect::<Vec<_>>(), Vec::<String>::new());
}

/// A number inside code, such as in a pattern, is no limit.
#[test]
fn each_number_in_the_table_of_limits_has_a_row() {
    let page = read(FORMAT);
    let (_, table) = page.split_once("| limit | because |\n| --- | --- |\n").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    let limits = found(r"(?m)^\| (.*?) \| ", table);
    assert!(limits.len() > 10, "{}", limits.len());
    let mut text = Regex::new("`[^`]*`")
        .unwrap()
        .replace_all(&limits.join("\n"), "")
        .into_owned();
    for (_, words, _, _) in ROWS.iter().filter(|(page, ..)| *page == FORMAT) {
        text = text.replace(words, "");
    }
    let left = found(r"(.*[0-9].*)", &text);
    assert!(left.is_empty(), "{left:#?}");
}
