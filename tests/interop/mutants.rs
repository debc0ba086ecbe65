//! Changes fixtures at random. If this program accepts such a mutant, the real sops must accept it too, and must print the same.

use std::{collections::BTreeMap, fs, path::PathBuf};

use crate::{
    document::Format,
    mutate::MUTATIONS,
    number,
    ours::{Batch, Installed},
    random::Random,
    say, seed,
    sops::{self, Sops},
    sops_or_skip,
};

/// How many mutants of a format are installed by one run of the program.
const A_RUN: usize = 200;

/// The versions of sops that made the fixtures.
const VERSIONS: [&str; 5] = ["3.7.3", "3.9.4", "3.12.2", "3.13.2", "3.13.3"];

/// A mutant, and the number of its secret in the batch.
struct Mutant {
    number: usize,
    path: PathBuf,
    bytes: Vec<u8>,
    origin: String,
}

/// A difference that `docs/sops-format.md` lists under "Where we differ from `sops decrypt` on purpose". It has a name, and a
/// function that says whether an error of sops about a file is explained by the difference. All other differences are failures.
type Difference = (&'static str, fn(&str, &[u8]) -> bool);

const DOCUMENTED: &[Difference] = &[
    ("the version is not read", |complaint, _| {
        let of_semver = [
            "Version string empty",
            "No Major.Minor.Patch elements found",
            "Invalid character(s) found in",
            "must not contain leading zeroes",
            "Prerelease is empty",
            "Build meta data is empty",
            "strconv.ParseUint: parsing \"\": invalid syntax",
            "'version' expected type 'string'",
        ];
        of_semver.iter().any(|text| complaint.contains(text))
    }),
    ("created_at is not read", |complaint, file| {
        let time = complaint
            .split_once("parsing time \"")
            .and_then(|(_, rest)| rest.split_once('"'));
        let is_there = |time: &str| {
            let mut lines = file.split(|byte| *byte == b'\n').map(quoted);
            lines.any(|line| line.contains("created_at") && line.contains(time))
        };
        // The decoder takes these texts for numbers.
        let is_boolean = |time: &str| match time {
            "0" => is_there("false"),
            "1" => is_there("true"),
            _ => false,
        };
        time.is_some_and(|(time, _)| time.is_empty() || is_there(time) || is_boolean(time))
            || complaint.contains("'created_at' expected type 'string'")
    }),
    ("the type of a comment is not looked at", |complaint, file| {
        let other_type = regex::bytes::Regex::new(r"[#;] ?ENC\[[^]]*,type:(str|int|float|bool|time|bytes)\]").unwrap();
        let of_comments = ["MAC mismatch", "walkValue of Comment should be either Comment or string"];
        of_comments.iter().any(|text| complaint.contains(text)) && other_type.is_match(file)
    }),
    ("what decryption does not need may be of any type", |complaint, _| {
        let of_decoder = [
            "expected a map or struct, got",
            "expected a map, got",
            "got unconvertible type",
        ];
        of_decoder.iter().any(|text| complaint.contains(text))
    }),
    ("blanks around an age message", |complaint, _| {
        // Without blanks, and without the marks that sops puts before lines, age has no reason to complain of the line.
        let bare = complaint.replace("\\t", "").replace([' ', '|'], "");
        let of_armor = [
            "invalidfirstline:\"-----BEGINAGEENCRYPTEDFILE-----\"",
            "invalidclosingline:\"-----ENDAGEENCRYPTEDFILE-----\"",
        ];
        of_armor.iter().any(|text| bare.contains(text))
    }),
    ("a number of key groups that is a float", |complaint, file| {
        let float = regex::bytes::Regex::new(r"(?-u)shamir_threshold\W+[0-9]+\.0\b").unwrap();
        complaint.contains("'shamir_threshold' cannot parse value as 'int'") && float.is_match(file)
    }),
    ("a message that holds another data key", |complaint, file| {
        // If a field occurs twice, the last one counts. Here, it comes from another file.
        let count = |text: &str| String::from_utf8_lossy(file).matches(text).count();
        complaint.contains("cipher: message authentication failed")
            && count("-----BEGIN AGE ENCRYPTED FILE-----") > count("recipient")
    }),
    (
        "an empty comment in a list of YAML, which sops makes a string",
        |complaint, _| complaint == r#"prints - "" and not #"#,
    ),
    (
        "an empty line within a comment of INI, which sops crashes on",
        |complaint, _| {
            let of_crash = ["index out of range [0] with length 0", "ini.v1.(*File).writeToBuffer("];
            let complaint = complaint.replace("%2e", ".");
            of_crash.iter().all(|text| complaint.contains(text))
        },
    ),
];

/// The first line that the two programs print differently, without the blanks around it. First the line of sops, then ours.
fn difference(printed: &[u8], content: &[u8]) -> String {
    let [printed, content] = [printed, content].map(String::from_utf8_lossy);
    let mut lines = printed
        .lines()
        .zip(content.lines())
        .map(|(theirs, ours)| (theirs.trim(), ours.trim()));
    match lines.find(|(theirs, ours)| theirs != ours) {
        Some((theirs, ours)) => format!("prints {theirs} and not {ours}"),
        None => "prints another number of lines".to_owned(),
    }
}

/// Quotes a text as Go does in its errors.
fn quoted(text: &[u8]) -> String {
    let show = |byte: &u8| match byte {
        b'"' | b'\\' => format!("\\{}", char::from(*byte)),
        b' '..=b'~' => char::from(*byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    };
    text.iter().map(show).collect()
}

/// The results for the mutants of a format.
#[derive(Default)]
struct Tally {
    mutants: usize,
    accepted: usize,
    agreed: usize,
    documented: BTreeMap<&'static str, usize>,
    faults: Vec<String>,
}

impl Tally {
    fn line(&self, format: Format, seed: u64) -> String {
        let documented: Vec<_> = self
            .documented
            .iter()
            .map(|(name, count)| format!("{count} × {name}"))
            .collect();
        let documented = if documented.is_empty() {
            "none".to_owned()
        } else {
            documented.join(", ")
        };
        format!(
            "mutants {}: {} of the fixtures, {} accepted by ours, {} of them by sops with the same plaintext; documented differences: {documented} (INTEROP_SEED={seed})",
            format.name(),
            self.mutants,
            self.accepted,
            self.agreed,
        )
    }
}

/// Most differences are rare among mutants. A pattern in one that cannot be built would be found by a rare seed alone.
#[test]
fn each_documented_difference_can_be_asked() {
    let found = DOCUMENTED.iter().find(|(_, is_it)| is_it("", b""));
    assert!(found.is_none(), "{}", found.unwrap().0);
}

#[test]
fn what_ours_accepts_of_mutants_sops_prints_alike() {
    let Some(sops) = sops_or_skip() else { return };
    let wanted = usize::try_from(number("INTEROP_MUTANTS").unwrap_or(200)).unwrap();
    let seed = seed();
    let mut faults = Vec::new();
    let mut agreed = 0;
    for format in [Format::Yaml, Format::Json, Format::Dotenv, Format::Ini, Format::Binary] {
        let mut tally = mutants(&sops, format, wanted, seed);
        say(&tally.line(format, seed));
        agreed += tally.agreed;
        faults.append(&mut tally.faults);
    }
    // If a run has only a few mutants of a format, it may be that none is accepted.
    assert!(agreed > 0, "no mutant was accepted at all");
    assert!(
        faults.is_empty(),
        "{} differences (INTEROP_SEED={seed}):\n{}",
        faults.len(),
        faults.join("\n")
    );
}

fn mutants(sops: &Sops, format: Format, wanted: usize, seed: u64) -> Tally {
    let mut random = Random::new(seed);
    let origins = origins(sops, format);
    let mut tally = Tally::default();
    while tally.mutants < wanted {
        let mut batch = Batch::default();
        let count = A_RUN.min(wanted - tally.mutants);
        let made: Vec<_> = (0..count)
            .map(|at| mutant(sops, format, &origins, at, &mut random, &mut batch))
            .collect();
        let installed = batch.install();
        tally.mutants += count;
        for mutant in &made {
            judge(sops, format, mutant, &installed, &mut tally);
        }
    }
    tally
}

/// The fixtures that the key of these tests opens, and that the present sops can read.
fn origins(sops: &Sops, format: Format) -> Vec<(String, Vec<u8>)> {
    let mut origins = Vec::new();
    for version in VERSIONS {
        let directory = sops::fixtures().join(version);
        let index = fs::read_to_string(directory.join("index.tsv")).unwrap();
        for line in index.lines() {
            let [file, of, key, ..] = line.split('\t').collect::<Vec<_>>()[..] else {
                continue;
            };
            let path = directory.join(file);
            if of == format.name() && key == "age.txt" && sops.decrypt(format, &path).is_ok() {
                origins.push((format!("{version}/{file}"), fs::read(path).unwrap()));
            }
        }
    }
    origins
}

/// A fixture that was changed once, or sometimes more often.
fn mutant(
    sops: &Sops,
    format: Format,
    origins: &[(String, Vec<u8>)],
    at: usize,
    random: &mut Random,
    batch: &mut Batch,
) -> Mutant {
    let (name, file) = random.pick(origins);
    let (mut bytes, mut origin) = (file.clone(), name.clone());
    loop {
        let (what, change) = random.pick(MUTATIONS);
        let (_, other) = random.pick(origins);
        bytes = change(&bytes, other, random);
        origin = format!("{origin}, {what}");
        if bytes.is_empty() || random.chance(80) {
            break;
        }
    }
    let path = sops.file(&format!("mutant-{at}"));
    fs::write(&path, &bytes).unwrap();
    Mutant {
        number: batch.add(&path, format, ""),
        path,
        bytes,
        origin,
    }
}

/// Compares with sops what this program accepted. sops needs a process of its own for each file, so it is called only for accepted
/// mutants.
fn judge(sops: &Sops, format: Format, mutant: &Mutant, installed: &Installed, tally: &mut Tally) {
    let Some(content) = installed.content(mutant.number) else {
        return;
    };
    tally.accepted += 1;
    let complaint = match sops.decrypt(format, &mutant.path) {
        Ok(printed) if printed == content => {
            tally.agreed += 1;
            return;
        }
        Ok(printed) => difference(&printed, &content),
        Err(complaint) => complaint,
    };
    if let Some((name, ..)) = DOCUMENTED.iter().find(|(_, is_about)| is_about(&complaint, &mutant.bytes)) {
        *tally.documented.entry(name).or_default() += 1;
    } else {
        let kept = std::env::temp_dir().join(format!("mutant-{}-{}", std::process::id(), tally.accepted));
        fs::write(&kept, &mutant.bytes).unwrap();
        tally.faults.push(format!(
            "{} {}: sops: {complaint} ({})",
            format.name(),
            mutant.origin,
            kept.display()
        ));
    }
}
