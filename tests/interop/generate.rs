//! Makes random documents that use everything that the formats and sops allow.

use std::collections::BTreeSet;

use crate::document::{Content, Document, Format, Item, Rule, Style, Value};
use crate::random::Random;

const DEPTH: usize = 5;

const SELECTIONS: &[(&str, &str)] = &[
    ("unencrypted_suffix", "_plain"),
    ("encrypted_suffix", "_secret"),
    ("unencrypted_regex", "^(public|a)"),
    ("unencrypted_regex", "\\d$"),
    ("encrypted_regex", "^(secret|pass)"),
    ("encrypted_regex", "(?i)KEY|[äö]"),
    ("encrypted_regex", "^$"),
    ("unencrypted_comment_regex", "leave"),
    ("encrypted_comment_regex", "seal"),
];

const WORDS: &[&str] = &[
    "a", "b", "secret", "password", "public", "key", "api", "token", "host", "port", "user", "DATA", "x1", "name", "ö", "wifi",
];

/// Texts that a reader could take for values of another type.
const LOOKALIKES: &[&str] = &[
    "",
    " ",
    "true",
    "True",
    "yes",
    "no",
    "on",
    "off",
    "y",
    "N",
    "null",
    "~",
    "NULL",
    "123",
    "-5",
    "+7",
    "0x1F",
    "0o17",
    "017",
    "0b11",
    "1_000",
    "1.5",
    "1e3",
    ".5",
    "5.",
    ".inf",
    "-.Inf",
    ".nan",
    "inf",
    "NaN",
    "2001-12-14",
    "2001-12-14T21:59:43Z",
    "12:30:45",
    "1:30",
    "0.0.0.0",
    "08",
    "1e",
    "=",
    "<<",
    "-",
    "--",
    "---",
    "...",
    "--- a",
    "- a",
    "? a",
    ": a",
    "a: b",
    "a #b",
    "#a",
    "a:",
    "[a]",
    "{a}",
    "&a",
    "*a",
    "!a",
    "!!str a",
    "|",
    ">",
    "'a'",
    "\"a\"",
    "%a",
    "@a",
    "`a`",
    ",a",
    "a,b",
    "ENC[AES256_GCM,data:x]",
    "$HOME",
    "${x}",
    "$(id)",
    "\\n",
    "\\",
    "a\\nb",
    "%%",
    "C:\\dir",
    "<SOPS:x:PLACEHOLDER>",
    "a=b",
    "export x",
    "é",
    "'",
    "\"",
    "''",
    "it's",
];

/// Pieces of which texts are made.
const PIECES: &[&str] = &[
    "a",
    "bc",
    "word",
    "0",
    "42",
    " ",
    "  ",
    "-",
    "_",
    ".",
    ",",
    ":",
    ": ",
    ";",
    " #",
    "#",
    "=",
    "'",
    "\"",
    "`",
    "\\",
    "/",
    "[",
    "]",
    "{",
    "}",
    "<",
    ">",
    "&",
    "*",
    "!",
    "?",
    "|",
    "%",
    "@",
    "$",
    "ä",
    "ß",
    "é",
    "e\u{301}",
    "λ",
    "пароль",
    "密码",
    "كلمة",
    "סוד",
    "🔑",
    "👨\u{200d}👩\u{200d}👧",
    "\u{202e}",
    "\u{a0}",
    "\u{feff}",
];

/// Pieces that can only be written in quoted or escaped text.
const CONTROLS: &[&str] = &[
    "\t", "\r", "\r\n", "\u{85}", "\u{2028}", "\u{2029}", "\u{0}", "\u{1}", "\u{7}", "\u{8}", "\u{b}", "\u{c}", "\u{1b}",
    "\u{7f}", "\u{9f}", "\u{fffe}", "\u{ffff}",
];

/// Scalars of YAML that are no strings, in many spellings.
const YAML_BARE: &[&str] = &[
    "0",
    "7",
    "-17",
    "+5",
    "42",
    "9223372036854775807",
    "-9223372036854775808",
    "0x1F",
    "0o17",
    "017",
    "0b101",
    "1_000",
    "3.14",
    "5.0",
    "-0.0",
    "1e3",
    "1.5e300",
    "1e-7",
    "0.0001",
    "0.00001",
    "123456.0",
    "1234567.0",
    "1e21",
    "18446744073709551616",
    ".5",
    "5.",
    ".inf",
    "-.inf",
    ".nan",
    "true",
    "false",
    "True",
    "FALSE",
    "null",
    "~",
    "",
    "yes",
    "off",
    "2001-12-14",
    "2001-12-14T21:59:43.10-05:00",
    "2001-12-14 21:59:43",
    "2001-12-14t21:59:43.123456789Z",
    "!!binary aGk=",
    "!!binary /w8A",
    "!!str 5",
    "!custom x",
    "!!float 3",
    "!!int \"4\"",
    "0.1",
    "100000000000000000000.5",
];

const JSON_BARE: &[&str] = &[
    "0",
    "-0",
    "7",
    "-17",
    "42",
    "9007199254740993",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "3.14",
    "5.0",
    "-0.0",
    "1e3",
    "1E+3",
    "1.5e300",
    "1e-7",
    "0.000001",
    "0.0000001",
    "1e20",
    "1e21",
    "0.1",
    "123456789.125",
    "true",
    "false",
    "null",
];

/// A document in this format. The same seed gives the same document.
pub fn document(format: Format, seed: u64) -> Document {
    let mut random = Random::new(seed);
    let rule = rule(&mut random);
    let commented_lists = rule.selection.is_none_or(|(field, _)| !field.contains("comment"));
    let mut maker = Maker {
        random,
        format,
        commented_lists,
        has_plain_values: rule.selection.is_some(),
    };
    let content = match format {
        Format::Binary => Content::Bytes(maker.bytes()),
        Format::Yaml if maker.random.chance(15) => Content::Tree((0..2 + maker.random.below(2)).map(|_| maker.root()).collect()),
        _ => Content::Tree(vec![maker.root()]),
    };
    Document { format, rule, content }
}

fn rule(random: &mut Random) -> Rule {
    let selection = random.chance(50).then(|| *random.pick(SELECTIONS));
    Rule {
        selection,
        mac_only_encrypted: random.chance(25),
    }
}

struct Maker {
    random: Random,
    format: Format,
    /// Whether lists may have comments. They have none if comments select values, because sops then loses track of them
    /// (getsops/sops#2281).
    commented_lists: bool,
    /// Whether the rule may leave values unencrypted.
    has_plain_values: bool,
}

impl Maker {
    fn bytes(&mut self) -> Vec<u8> {
        match self.random.below(4) {
            0 => self.text().into_bytes(),
            1 => format!("{{\"data\": {:?}, \"sops\": 5}}", self.random.bits()).into_bytes(),
            2 => (0..=self.random.below(40))
                .map(|_| self.random.bits().to_le_bytes()[0])
                .collect(),
            _ => (0..self.random.below(20_000))
                .map(|_| self.random.bits().to_le_bytes()[0])
                .collect(),
        }
    }

    fn root(&mut self) -> Value {
        if self.format == Format::Ini {
            let count = 1 + self.random.below(4);
            let items = (0..count).map(|at| self.section(at)).collect();
            return Value::Map { items, flow: false };
        }
        let count = 1 + self.random.below(8);
        let items = self.items(true, count, 0);
        Value::Map { items, flow: false }
    }

    fn section(&mut self, at: usize) -> Item {
        let mut section = self.item(1);
        section.key = format!("{} {at}", self.ini_name());
        section.beside = None;
        section.below = None;
        let count = self.random.below(6);
        let items = self.items(true, count, DEPTH);
        section.value = Value::Map { items, flow: false };
        section
    }

    /// Items with distinct keys.
    fn items(&mut self, is_map: bool, count: usize, depth: usize) -> Vec<Item> {
        let mut seen = BTreeSet::from(["sops".to_owned(), "<<".to_owned()]);
        let mut items: Vec<_> = (0..count).map(|_| self.item(depth)).collect();
        if !is_map && !self.commented_lists {
            items.iter_mut().for_each(Item::strip);
        }
        items
            .into_iter()
            .filter(|item| !is_map || seen.insert(item.key.clone()))
            .collect()
    }

    fn item(&mut self, depth: usize) -> Item {
        let commented = self.format != Format::Json;
        let above = if commented && self.random.chance(20) {
            (0..=self.random.below(2)).map(|_| self.comment()).collect()
        } else {
            Vec::new()
        };
        let beside = (self.format == Format::Yaml && self.random.chance(12)).then(|| self.comment());
        let below = (self.format == Format::Yaml && self.random.chance(6)).then(|| self.comment());
        Item {
            above,
            key: self.key(),
            value: self.value(depth),
            beside,
            below,
        }
    }

    fn value(&mut self, depth: usize) -> Value {
        let nests = matches!(self.format, Format::Yaml | Format::Json) && depth < DEPTH;
        let flow = self.random.chance(15);
        let count = self.random.below(5);
        match self.random.below(100) {
            0..=17 if nests => Value::Map {
                items: self.items(true, count, depth + 1),
                flow,
            },
            18..=33 if nests => Value::List {
                items: self.items(false, count, depth + 1),
                flow,
            },
            34..=55 if self.format == Format::Yaml => Value::Bare((*self.random.pick(YAML_BARE)).to_owned()),
            34..=55 if self.format == Format::Json => self.json_scalar(),
            _ => {
                let text = self.text();
                Value::Text(
                    text,
                    *self.random.pick(&[Style::Plain, Style::Single, Style::Double, Style::Block]),
                )
            }
        }
    }

    fn json_scalar(&mut self) -> Value {
        match *self.random.pick(JSON_BARE) {
            // If the value stays in plain text, sops writes `-0`, and reads it as the integer 0.
            "-0.0" if self.has_plain_values => Value::Bare("0".to_owned()),
            spelling => Value::Bare(spelling.to_owned()),
        }
    }

    fn comment(&mut self) -> String {
        let text = match self.random.below(6) {
            0 => " leave this".to_owned(),
            1 => " seal this".to_owned(),
            _ => format!(" {}{}", self.random.pick(WORDS), self.pieces(3)),
        };
        // An empty comment makes sops fail in INI files. A byte order mark inside a comment is refused.
        text.replace('\u{feff}', "").trim_end().to_owned()
    }

    fn key(&mut self) -> String {
        let word = (*self.random.pick(WORDS)).to_owned();
        match (self.format, self.random.below(20)) {
            (Format::Ini, 0..=3) => self.ini_name(),
            (Format::Ini, _) => format!("{word}{}", self.random.below(30)),
            (Format::Dotenv, 0) => format!("export {word}"),
            (Format::Dotenv, 1) => self.pieces(3).replace(['=', '\n'], "").trim_start_matches('#').to_owned() + "k",
            (_, 0) => format!("{word}_plain"),
            (_, 1) => format!("{word}_secret"),
            (Format::Dotenv, _) => format!("{word}_{}", self.random.below(90)),
            (_, 2) => (*self.random.pick(LOOKALIKES)).to_owned(),
            (_, 3) => self.pieces(4),
            (_, 4) if self.random.chance(20) => "very long key ".repeat(15),
            (_, 5) => format!("{word} {word}"),
            (_, 6) => format!("{word}: {word}"),
            (_, 7) => format!("{word}.{}", self.random.below(9)),
            (_, 8..=13) => word,
            _ => format!("{word}{}", self.random.below(90)),
        }
    }

    /// A text that INI accepts as the name of a key or section without quotes.
    fn ini_name(&mut self) -> String {
        format!(
            "{}{}",
            self.random.pick(WORDS),
            self.random
                .pick(&["", ".sub", " two words", "-x", "_secret", "_plain", "/y", "é🔑"])
        )
    }

    fn text(&mut self) -> String {
        match self.random.below(20) {
            0..=4 => (*self.random.pick(LOOKALIKES)).to_owned(),
            5..=8 => self.pieces(8),
            9 | 10 => format!("{}{}{}", self.pieces(2), self.random.pick(CONTROLS), self.pieces(2)),
            11..=13 => self.lines(),
            14 if self.random.chance(20) => self.long(),
            15 => format!(
                "{}{}{}",
                self.random.pick(&["", " ", "\t", "  "]),
                self.pieces(2),
                self.random.pick(&["", " ", "\t", "  "])
            ),
            _ => (0..=self.random.below(4))
                .map(|_| *self.random.pick(WORDS))
                .collect::<Vec<_>>()
                .join(" "),
        }
    }

    fn lines(&mut self) -> String {
        let start = *self.random.pick(&["", "", "", "", "", "\n", " ", "\t", "#"]);
        let middle: Vec<_> = (0..2 + self.random.below(3)).map(|_| self.pieces(3)).collect();
        let end = *self.random.pick(&["", "\n", "\n", "\n\n", " ", "\n "]);
        format!(
            "{start}{}{end}",
            middle.join(*self.random.pick(&["\n", "\n", "\n\n", "\n  ", " \n", "\r\n", "\n\t"]))
        )
    }

    fn long(&mut self) -> String {
        let piece = format!("{}{}", self.pieces(4), self.random.pick(&[" ", "", "\n"]));
        piece.repeat(10_000 / piece.len().max(1))
    }

    fn pieces(&mut self, most: usize) -> String {
        (0..=self.random.below(most)).map(|_| *self.random.pick(PIECES)).collect()
    }
}
