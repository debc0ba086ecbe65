//! Whether the real parsers give back what each filter of placeholders writes, byte for byte.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use proptest::prelude::*;
use sops_install_secrets::program::{filter::Filter, quotes::Quotes, template::Slot, tokens::Tokens};

use super::{READERS, VALUES, compare, run, sampled, script, values};

/// A parser of the texts that a filter writes.
struct Parser {
    name: &'static str,
    filter: &'static str,
    /// The file with all texts, each in the quotes that are around it.
    file: fn(texts: &[String]) -> String,
    /// The command that prints all values of the file.
    command: fn(file: &Path) -> Command,
    /// Each value of the output.
    printed: fn(&[u8]) -> Vec<Vec<u8>>,
}

static PARSERS: [Parser; 10] = [
    Parser {
        name: "jq",
        filter: "json",
        file: |texts| format!("[{}]", texts.join(",")),
        command: |file| of("jq", &["-r", "map(@base64) | .[]"], file),
        printed: |output| lines(output).map(base64).collect(),
    },
    Parser {
        name: "the module json of Python",
        filter: "json",
        file: |texts| format!("[{}]", texts.join(",")),
        command: |file| python("json", file),
        printed: hexadecimal,
    },
    Parser {
        name: "PyYAML, in a list",
        filter: "yaml",
        file: |texts| each("- ", texts),
        command: |file| python("yaml", file),
        printed: hexadecimal,
    },
    Parser {
        name: "PyYAML, in a flow",
        filter: "yaml",
        file: |texts| format!("[{}]", texts.join(", ")),
        command: |file| python("yaml", file),
        printed: hexadecimal,
    },
    Parser {
        name: "Nix",
        filter: "nix",
        file: |texts| format!("[ {} ]", texts.join("\n")),
        command: |file| {
            of(
                "nix-instantiate",
                &["--store", "dummy://", "--eval", "--strict", "--json"],
                file,
            )
        },
        printed: |output| {
            let values: Vec<String> = serde_json::from_slice(output).unwrap();
            values.into_iter().map(String::into_bytes).collect()
        },
    },
    Parser {
        name: "dash",
        filter: "sh",
        file: |texts| each("printf '%s\\0' ", texts),
        command: |file| of("dash", &[], file),
        printed: ended_by_nul,
    },
    Parser {
        name: "bash",
        filter: "sh",
        file: |texts| each("printf '%s\\0' ", texts),
        command: |file| of("bash", &[], file),
        printed: ended_by_nul,
    },
    Parser {
        name: "the module urllib of Python",
        filter: "url",
        file: |texts| each("", texts),
        command: |file| python("url", file),
        printed: hexadecimal,
    },
    Parser {
        name: "the module xml of Python",
        filter: "xml",
        file: |texts| {
            let elements = texts.iter().map(|text| format!("<v a=\"{text}\">{text}</v>"));
            format!("<r>{}</r>", elements.collect::<String>())
        },
        command: |file| python("xml", file),
        // Each value is there twice, as text and as an attribute.
        printed: |output| {
            let both = hexadecimal(output);
            both.chunks(2)
                .map(|both| if both[0] == both[1] { both[0].clone() } else { both.concat() })
                .collect()
        },
    },
    Parser {
        name: "the module base64 of Python",
        filter: "base64",
        file: |texts| each("", texts),
        command: |file| python("base64", file),
        printed: hexadecimal,
    },
];

/// A line for each text, with `start` before it.
fn each(start: &str, texts: &[String]) -> String {
    texts.iter().flat_map(|text| [start, text, "\n"]).collect()
}

fn of(program: &str, arguments: &[&str], file: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).arg(file);
    command
}

/// The Python that has the parsers: a library that the system has installed is only there for its own.
fn python(language: &str, file: &Path) -> Command {
    let has_yaml = |program: &&&str| {
        let mut command = Command::new(program);
        let command = command.args(["-c", "import yaml"]).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let program = ["python3", "/usr/bin/python3"].iter().find(has_yaml).unwrap_or(&"python3");
    let mut command = script(program, "literals.py");
    command.arg(language).arg(file);
    command
}

fn lines(output: &[u8]) -> impl Iterator<Item = &str> {
    str::from_utf8(output).unwrap().lines()
}

fn hexadecimal(output: &[u8]) -> Vec<Vec<u8>> {
    let bytes = |line: &str| {
        let pairs = (0..line.len()).step_by(2);
        pairs.map(|at| u8::from_str_radix(&line[at..at + 2], 16).unwrap()).collect()
    };
    lines(output).map(bytes).collect()
}

fn base64(digits: &str) -> Vec<u8> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    STANDARD.decode(digits).unwrap()
}

fn ended_by_nul(output: &[u8]) -> Vec<Vec<u8>> {
    let mut values: Vec<_> = output.split(|&byte| byte == 0).map(<[u8]>::to_vec).collect();
    assert_eq!(values.pop(), Some(Vec::new()));
    values
}

/// What the filter writes between these quotes, with the quotes; `None` if it refuses the value.
fn written(filter: Filter, value: &[u8], quotes: Option<Quotes>) -> Option<Vec<u8>> {
    let quote: &[u8] = match quotes {
        None => b"",
        Some(Quotes::Single) => b"'",
        Some(Quotes::Double) => b"\"",
    };
    let mut text = quote.to_vec();
    filter.write(value, quotes, &mut |part| text.extend_from_slice(part)).ok()?;
    text.extend_from_slice(quote);
    Some(text)
}

/// The quotes around a placeholder that a filter knows.
fn surroundings(filter: &str) -> &'static [Option<Quotes>] {
    match filter {
        "json" | "yaml" | "nix" | "env" => &[None, Some(Quotes::Double)],
        _ => &[None],
    }
}

/// Compares what the parser prints with the values that were written. Returns how many there were.
fn check(parser: &Parser, values: &[Vec<u8>], quotes: Option<Quotes>) -> usize {
    let filter = Filter::of_name(parser.filter).unwrap();
    let both = values
        .iter()
        .filter_map(|value| Some((value, written(filter, value, quotes)?)));
    // A value that is no text is written only by filters that write ASCII, or as it is.
    let both: Vec<_> = both
        .filter_map(|(value, text)| Some((value, String::from_utf8(text).ok()?)))
        .collect();
    let directory = tempfile::TempDir::new().unwrap();
    let file = directory.path().join("texts");
    let texts: Vec<_> = both.iter().map(|(_, text)| text.clone()).collect();
    fs::write(&file, (parser.file)(&texts)).unwrap();
    let output = run(&mut (parser.command)(&file)).unwrap_or_else(|problem| panic!("{}: {problem}", parser.name));
    let printed = (parser.printed)(&output);
    assert_eq!(printed.len(), both.len(), "{}", parser.name);
    for ((value, text), printed) in both.iter().zip(&printed) {
        let printed = printed.escape_ascii().to_string();
        assert_eq!(printed, value.escape_ascii().to_string(), "{} of {text:?}", parser.name);
    }
    both.len()
}

#[test]
fn each_parser_gives_back_all_that_its_filter_writes() {
    let values = values();
    for parser in &PARSERS {
        let program = (parser.command)(Path::new("/dev/null")).get_program().to_owned();
        if Command::new(&program).arg("--version").output().is_err() {
            println!(
                "skipped: no {} to parse what the filter {} writes",
                program.display(),
                parser.filter
            );
            continue;
        }
        for quotes in surroundings(parser.filter) {
            let count = check(parser, &values, *quotes);
            assert!(count > VALUES / 4, "{}: only {count} of {VALUES} are written", parser.name);
            println!("filters: {} gives back {count} of {VALUES} values {quotes:?}", parser.name);
        }
    }
}

#[test]
fn systemd_gives_back_all_that_the_filter_env_writes() {
    let systemd = &READERS[0];
    if !(systemd.is_there)() {
        println!("skipped: no {} to read files of variables", systemd.name);
        return;
    }
    let filter = Filter::of_name("env").unwrap();
    for quotes in surroundings("env") {
        let (mut text, mut variables) = (Vec::new(), Vec::new());
        for (number, value) in values().into_iter().enumerate() {
            let Some(written) = written(filter, &value, *quotes) else {
                continue;
            };
            text.extend_from_slice(format!("V{number}=").as_bytes());
            text.extend_from_slice(&written);
            text.push(b'\n');
            variables.push((format!("V{number}"), value));
        }
        assert!(variables.len() > VALUES / 4);
        compare(systemd, &text, &variables).unwrap();
    }
}

#[test]
fn a_block_of_yaml_with_indented_lines_is_the_value() {
    let line = prop_oneof![Just(String::new()), "[ -~]{0,8}", "[ \t\u{e9}:#'\"-]{1,4}"];
    let value = prop::collection::vec(line, 1..5).prop_map(|lines| lines.join("\n").into_bytes());
    let values = sampled(&value, 2000);
    for columns in [1, 4, 9] {
        let filter = Filter::of_name(&format!("indent-{columns}")).unwrap();
        let spaces = " ".repeat(columns);
        let text = values.iter().map(|value| {
            let text = String::from_utf8(written(filter, value, None).unwrap()).unwrap();
            format!("- |{columns}+\n{spaces}{text}\n")
        });
        let directory = tempfile::TempDir::new().unwrap();
        let file = directory.path().join("blocks.yaml");
        fs::write(&file, text.collect::<String>()).unwrap();
        let printed = hexadecimal(&run(&mut python("yaml", &file)).unwrap());
        let shown = |values: &[Vec<u8>]| {
            values
                .iter()
                .map(|value| value.escape_ascii().to_string())
                .collect::<Vec<_>>()
        };
        let ended: Vec<_> = values.iter().map(|value| [value, &b"\n"[..]].concat()).collect();
        assert_eq!(shown(&printed), shown(&ended));
    }
}

/// Texts with a value, each with whether its filter writes it there.
const AROUND_SH: &[(&str, bool)] = &[
    ("V", true),
    ("p''V", true),
    ("-pV", true),
    ("\"a\"V'b'", true),
    ("x # don't\nprintf %s V", true),
    ("\"$(printf %s V)\"", true),
    ("-p'V'", false),
    ("-p\"V\"", false),
    ("\"V\"", false),
    ("\"$(printf %s \"V\")\"", false),
    ("\"a\nV\"", false),
    ("$'V'", false),
    ("${X:-V}", false),
    ("`printf %s V`", false),
];

const AROUND_YAML: &[(&str, bool)] = &[
    ("a: V", true),
    ("a: \"x V\"", true),
    ("- V", true),
    ("[1, V]", true),
    ("{\"a\":V}", true),
    ("V", true),
    ("a: 'V'", false),
    ("a: 'it''s V'", false),
    ("a: Bearer V", false),
    ("a: b, V", false),
    ("a: \"x\n  V\"", false),
    ("a:V", false),
    ("\"\"\"V\"\"\"", false),
];

const AROUND_NIX: &[(&str, bool)] = &[
    ("V", true),
    ("[ \"a\" (V) ]", true),
    ("\"a V\"", true),
    ("{ a = V; }.a", true),
    ("''V''", false),
    ("''\n  a = V\n''", false),
];

const AROUND_ENV: &[(&str, bool)] = &[
    ("A=V", true),
    ("A=\"x V\"", true),
    ("A=x V", false),
    ("A='V'", false),
    ("A=postgres://u:V@db", false),
];

/// Renders `around` with `value` in the place of `V` by the filter.
fn rendered(around: &str, filter: &str, value: &[u8]) -> Option<String> {
    let tokens = Tokens::new([]).with_names(["s"]);
    let text = around.replace('V', &format!("@sops:s|{filter}@"));
    let write = |slot: Slot<'_, '_>, take: &mut dyn FnMut(&[u8])| slot.write(value, take);
    let measured = tokens.measure(text.as_bytes(), write).ok()?;
    let rendered = tokens.render(text.as_bytes(), &measured, write).ok()?;
    Some(String::from_utf8(rendered.expose().to_vec()).unwrap())
}

/// A value that needs quotes or escapes in each language.
const VALUE: &str = "a  b'\"c;echo $(echo X) ${HOME} `echo Y` \\d";

/// What a shell makes of these words.
fn words(shell: &str, text: &str) -> Vec<u8> {
    let script = format!("printf '%s\\0' {text}\n");
    Command::new(shell).args(["-c", &script]).output().unwrap().stdout
}

/// What a parser makes of this text, in a file.
fn parsed(text: &str, command: impl Fn(&Path) -> Command) -> Vec<u8> {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), text).unwrap();
    run(&mut command(file.path())).unwrap()
}

/// Each string in a JSON text, in order.
fn strings(json: &[u8]) -> Vec<u8> {
    fn collect(value: &serde_json::Value, strings: &mut Vec<u8>) {
        match value {
            serde_json::Value::String(text) => strings.extend([text.as_bytes(), b"\0"].concat()),
            serde_json::Value::Array(values) => values.iter().for_each(|value| collect(value, strings)),
            serde_json::Value::Object(values) => values.values().for_each(|value| collect(value, strings)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    collect(&serde_json::from_slice(json).unwrap(), &mut found);
    found
}

/// A program makes the same of a text with a value as of that text with a word, but for the value in the place of the word. Where this
/// cannot be, the filter writes nothing.
#[test]
fn whatever_stands_around_it_a_value_is_given_back_or_refused() {
    type Reads = fn(&str) -> Vec<u8>;
    type Around = &'static [(&'static str, bool)];
    let nix: Reads = |text| {
        let arguments = ["--store", "dummy://", "--eval", "--strict", "--json", "-E", text];
        strings(&run(Command::new("nix-instantiate").args(arguments)).unwrap())
    };
    let languages: [(&str, Around, Reads); 5] = [
        ("sh", AROUND_SH, |text| words("dash", text)),
        ("sh", AROUND_SH, |text| words("bash", text)),
        ("yaml", AROUND_YAML, |text| {
            strings(&parsed(text, |file| python("tree", file)))
        }),
        ("env", AROUND_ENV, |text| {
            parsed(text, |file| (READERS[0].command)(file, &["A".to_owned()]))
        }),
        ("nix", AROUND_NIX, nix),
    ];
    for (filter, around, reads) in languages {
        for (text, is_written) in around {
            let written = rendered(text, filter, VALUE.as_bytes());
            assert_eq!(written.is_some(), *is_written, "{filter}: {text}: {written:?}");
            let (Some(written), Some(of_word)) = (written, rendered(text, filter, b"word")) else {
                continue;
            };
            let expected = String::from_utf8(reads(&of_word)).unwrap().replace("word", VALUE);
            assert!(expected.contains(VALUE), "{filter}: {text}");
            assert_eq!(
                String::from_utf8(reads(&written)).unwrap(),
                expected,
                "{filter}: {text}: {written}"
            );
        }
    }
}
