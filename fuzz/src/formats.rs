//! What holds for a text in any of the formats.

use sops_install_secrets::{
    system::plaintext::Plaintext,
    sops::{
        SopsFile,
        format::Format,
        key::KeyPath,
        tree::{Branch, Item, Key, ScalarType, Stored, Value},
    },
};

use crate::{
    messages::{PLANTED, assert_discreet, assert_presentable},
    sealing,
    trees::{any_key, any_scalar, opened, values},
};

/// Reads `text` in all ways, and asserts what has to hold.
///
/// # Panics
/// When something does not hold.
pub fn check(format: Format, text: &[u8]) {
    read_as_file(format, text);
    let documents = match format.parse(text) {
        Ok(documents) => documents,
        // Keys are no secrets, and the message names the one that is there twice.
        Err(error) if error.problem.contains(" is already defined at ") => {
            return assert_presentable(&error);
        }
        Err(error) => return assert_discreet(&error),
    };
    // What a binary file is printed as is its data, no file.
    if format != Format::Binary {
        print_and_read(format, &documents);
        seal_and_open(format, &documents);
    }
}

/// As a file of anybody's making, of which little survives.
fn read_as_file(format: Format, text: &[u8]) {
    let file = match SopsFile::parse(format, text) {
        Ok(file) => file,
        Err(error) => return assert_presentable(&error),
    };
    let selector = file.selector();
    for key in ["", "a", "data", "secret", "<<"] {
        if let Err(error) = selector.scalar(&KeyPath::parse(key)) {
            assert_presentable(&error);
        }
    }
    drop(selector);
    match file.decrypt(&sealing::data_key()) {
        Ok(_) => assert!(is_sealed_here(text), "a file of no known key opened"),
        Err(error) => assert_presentable(&error),
    }
}

/// Whether the fuzzer may have got hold of a file that was sealed with the known key: the MAC has to be one.
fn is_sealed_here(text: &[u8]) -> bool {
    text.windows(4).any(|window| window == b"ENC[")
}

/// What can be printed reads back as the same, and printing it again changes nothing.
fn print_and_read(format: Format, documents: &[Branch<Stored<'_>>]) {
    let plain = opened(documents);
    let printed = match format.emit(&plain, usize::MAX) {
        Ok(printed) => printed.expect("nothing is longer"),
        Err(error) => return assert_presentable(&error),
    };
    if !is_printable(format, documents) {
        return;
    }
    let again = format
        .parse(printed.expose())
        .unwrap_or_else(|error| panic!("{error} in what was printed: {}", printed.expose().escape_ascii()));
    assert_eq!(
        values(&again),
        values(documents),
        "printed: {}",
        printed.expose().escape_ascii()
    );
}

/// Encrypted with a known key, a document opens to what it was.
fn seal_and_open(format: Format, documents: &[Branch<Stored<'_>>]) {
    let is_odd = |key: &Key<Stored<'_>>| match key {
        Key::Name(name) => name.starts_with(b"sops"),
        Key::Other(_) => true,
        Key::Comment(_) => false,
    };
    if documents.is_empty() || any_key(documents, &is_odd) || !is_printable(format, documents) {
        return;
    }
    let (plain, mut sealed) = (opened(documents), opened(documents));
    let metadata = sealing::seal(&mut sealed);
    add_metadata(format, &mut sealed, metadata);
    let (Ok(Some(printed)), Ok(Some(expected))) = (format.emit(&sealed, usize::MAX), format.emit(&plain, usize::MAX)) else {
        return;
    };
    let file = SopsFile::parse(format, printed.expose())
        .unwrap_or_else(|error| panic!("{error} in {}", printed.expose().escape_ascii()));
    let decrypted = match file.decrypt(&sealing::data_key()) {
        Ok(decrypted) => decrypted,
        Err(error) => panic!("{error} in {}", printed.expose().escape_ascii()),
    };
    let whole = decrypted
        .whole(usize::MAX)
        .unwrap_or_else(|error| panic!("{error}"))
        .expect("nothing is longer");
    match (format.parse(whole.expose()), format.parse(expected.expose())) {
        (Ok(found), Ok(expected)) => assert_eq!(values(&found), values(&expected)),
        _ => assert_eq!(whole.expose(), expected.expose()),
    }
    select(&decrypted, documents);
}

/// Every value of the top level is found by its name, and what is not found is said without secrets.
fn select(decrypted: &sops_install_secrets::sops::Decrypted, documents: &[Branch<Stored<'_>>]) {
    let selector = decrypted.selector();
    let names: Vec<_> = documents.first().into_iter().flat_map(Branch::names).collect();
    for name in &names {
        let Ok(key) = str::from_utf8(name) else { continue };
        if key.contains(['/', '[']) {
            continue;
        }
        let is_single = names.iter().filter(|other| other == &name).count() == 1;
        let stored = documents.first().and_then(|document| document.get(name));
        match (selector.scalar(&KeyPath::parse(key)), stored) {
            (Ok((_, found)), Some(Value::Scalar(_, text))) if is_single => assert_eq!(found.expose(), &**text),
            (Ok(_), _) => panic!("{key:?} was found where it is no single scalar"),
            (Err(error), Some(Value::Scalar(..))) if is_single => panic!("{error}"),
            (Err(error), _) if !key.contains(PLANTED) => assert_presentable(&error),
            (Err(_), _) => {}
        }
    }
}

/// The section where the format has it.
fn add_metadata(format: Format, documents: &mut [Branch<Plaintext>], metadata: Vec<(&'static str, Vec<u8>)>) {
    let text = |text: Vec<u8>| Value::Scalar(ScalarType::Text, Plaintext::from(text));
    let item = |name: &str, value| Item {
        key: Key::Name(name.as_bytes().to_vec()),
        value,
    };
    let key = |prefix: &str| {
        [("recipient", "age1x"), ("enc", "x")].map(|(name, value)| item(&format!("{prefix}{name}"), text(value.into())))
    };
    let prefix = if format == Format::Dotenv { "sops_" } else { "" };
    let mut section = Vec::new();
    for (name, value) in metadata {
        match (name, format) {
            ("age", Format::Dotenv | Format::Ini) => section.extend(key(&format!("{prefix}age__list_0__map_"))),
            ("age", _) => section.push(item(name, Value::List(vec![Value::Map(Branch { items: key("").into() })]))),
            _ => section.push(item(&format!("{prefix}{name}"), text(value))),
        }
    }
    for (number, document) in documents.iter_mut().enumerate() {
        match format {
            _ if number > 0 => {}
            Format::Dotenv => document.items.append(&mut section),
            _ => document.items.push(item(
                "sops",
                Value::Map(Branch {
                    items: std::mem::take(&mut section),
                }),
            )),
        }
    }
}

/// Whether the format can say all of it. What it cannot say is printed as sops prints it, which does not read back.
fn is_printable(format: Format, documents: &[Branch<Stored<'_>>]) -> bool {
    let any = |wanted: &dyn Fn(ScalarType, &[u8]) -> bool| {
        documents
            .iter()
            .any(|document| any_scalar(&Value::Map(document.clone()), &|kind, text| wanted(kind, text)))
    };
    match format {
        // sops puts a value with ` or a line break between """, a name with " = or : between `, and neither looks whether that quote
        // is in it. A name that begins the file with a byte order mark is read without it.
        Format::Ini => {
            let ends_early = |text: &[u8]| text.ends_with(b"\"") || text.windows(3).any(|quote| quote == b"\"\"\"");
            let is_such_value = |text: &[u8]| (text.contains(&b'`') || text.contains(&b'\n')) && ends_early(text);
            let is_such_text = |name: &[u8]| name.contains(&b'`') && name.iter().any(|byte| b"\"=:".contains(byte));
            let is_such_name = |key: &Key<Stored<'_>>| matches!(key, Key::Name(name) if is_such_text(name));
            let marks: [&[u8]; 3] = [b"\xfe\xff", b"\xff\xfe", b"\xef\xbb\xbf"];
            let begins_with_mark =
                |key: &Key<Stored<'_>>| matches!(key, Key::Name(name) if marks.iter().any(|mark| name.starts_with(mark)));
            !any(&|_, text| is_such_value(text)) && !any_key(documents, &is_such_name) && !any_key(documents, &begins_with_mark)
        }
        // sops walks no such thing.
        Format::Yaml => !any(&|kind, _| kind == ScalarType::Unsigned) && !any_key(documents, &|key| matches!(key, Key::Other(_))),
        Format::Json | Format::Dotenv | Format::Binary => true,
    }
}
