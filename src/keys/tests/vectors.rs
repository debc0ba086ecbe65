//! Tests with the published test vectors of the age file format.

use sha2::{Digest, Sha256};

use super::{age::AgeMessage, *};

/// One vector: the lines of its header, and the message.
struct Vector {
    name: String,
    header: String,
    message: Vec<u8>,
}

impl Vector {
    fn read(path: &Path) -> Self {
        let bytes = fs::read(path).unwrap();
        let end = bytes.windows(2).position(|window| window == b"\n\n").unwrap();
        Self {
            name: path.file_name().unwrap().to_str().unwrap().to_owned(),
            header: String::from_utf8(bytes[..end].to_vec()).unwrap(),
            message: bytes[end + 2..].to_vec(),
        }
    }

    /// The values of a field of the header.
    fn fields<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let lines = self.header.lines().filter_map(|line| line.split_once(": "));
        lines.filter(move |(field, _)| *field == name).map(|(_, value)| value)
    }

    /// The message in armor, as a sops file holds it.
    fn armored(&self) -> String {
        match self.fields("armored").next() {
            Some(_) => String::from_utf8_lossy(&self.message).into_owned(),
            None => armored(&self.message),
        }
    }

    /// The outcome for the message, in the words of the field `expect`, and the content that was read.
    fn outcome(&self) -> (&'static str, Option<Vec<u8>>) {
        let message = match AgeMessage::parse(&self.armored()) {
            Ok(message) => message,
            Err(EntryFailure::BadArmor) => return ("armor failure", None),
            Err(EntryFailure::BadHeader) => return ("header failure", None),
            Err(other) => panic!("{}: {other:?}", self.name),
        };
        let mut worst = "no match";
        for text in self.fields("identity") {
            let Ok(age::IdentityLine::Identity(identity)) = age::IdentityLine::parse(text.as_bytes(), &Place::Variable("TEST"))
            else {
                panic!("{}: {text}", self.name)
            };
            match message.content(&identity, &Effort::new(&Tries::of_file(), &Tries::of_run())) {
                Ok(mut content) => {
                    let mut payload = Vec::new();
                    let end = content.read_to_end(&mut payload);
                    return (end.map_or("payload failure", |_| "success"), Some(payload));
                }
                Err(EntryFailure::NotOurs) => {}
                Err(EntryFailure::BadHeader) => worst = "header failure",
                Err(EntryFailure::Damaged) => worst = "HMAC failure",
                Err(other) => panic!("{}: {other:?}", self.name),
            }
        }
        (worst, None)
    }
}

#[test]
fn every_vector_comes_out_as_its_authors_expect() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/age-vectors");
    let (mut count, mut faults) = (0, Vec::new());
    for file in fs::read_dir(vectors).unwrap() {
        let path = file.unwrap().path();
        if path.ends_with("README.md") {
            continue;
        }
        count += 1;
        let vector = Vector::read(&path);
        let (outcome, payload) = vector.outcome();
        let expected = match vector.name.as_str() {
            // The vector is empty. With our armor around it, it is still no armored message.
            "empty" => "armor failure",
            // The age library reads stanzas without a last line, as its own early versions wrote them.
            "stanza_missing_body" | "stanza_missing_final_line" => "success",
            _ => vector.fields("expect").next().unwrap(),
        };
        let digest = payload.map(|payload| format!("{:x}", Sha256::digest(payload)));
        let is_as_published = vector.fields("payload").all(|payload| digest.as_deref() == Some(payload));
        if outcome != expected || !is_as_published {
            faults.push(format!("{}: {outcome}, not {expected}; {digest:?}", vector.name));
        }
    }
    assert!(count > 90, "only {count} vectors");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
