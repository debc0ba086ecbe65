//! Checks what must hold for a text in any format.

use sops_install_secrets::{
    sops::{
        SopsFile,
        env_file::Form,
        format::Format,
        key::KeyPath,
        part::PartForm,
        tree::{Branch, Item, Key, Opened, ScalarType, Stored, Value},
    },
    system::plaintext::Plaintext,
};

use crate::{
    messages::{PLANTED, assert_discreet, assert_presentable},
    sealing,
    trees::{any_key, any_scalar, opened, values},
};

/// The forms of a part.
const FORMS: [PartForm; 5] = [
    PartForm::Json,
    PartForm::Yaml,
    PartForm::Lines,
    PartForm::Variables(Form::Systemd),
    PartForm::Variables(Form::Sh),
];

/// Reads `text` in all ways, and checks that everything holds.
///
/// # Panics
/// If something does not hold.
pub fn check(format: Format, text: &[u8]) {
    read_as_file(format, text);
    let documents = match format.parse(text) {
        Ok(documents) => documents,
        // The names of keys are no secrets. So the message may show the name that occurs twice.
        Err(error) if error.problem.contains(" is already defined at ") => {
            return assert_presentable(&error);
        }
        Err(error) => return assert_discreet(&error),
    };
    // The data of a binary file is printed without a sops file around it, so the result cannot be read again.
    if format != Format::Binary {
        print_and_read(format, &documents);
        seal_and_open(format, &documents);
    }
}

/// Reads the text as a sops file that anybody may have made. Most such texts are refused.
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
        for form in FORMS {
            if let Err(error) = selector.part(&KeyPath::parse(key), form) {
                assert_presentable(&error);
            }
        }
    }
    drop(selector);
    match file.decrypt(&sealing::data_key()) {
        Ok(_) => assert!(is_sealed_here(text), "a file of no known key opened"),
        Err(error) => assert_presentable(&error),
    }
}

/// Whether the text may be a file that was sealed with the known key. The fuzzer can take such files from the seeds. At least the
/// MAC must be encrypted.
fn is_sealed_here(text: &[u8]) -> bool {
    text.windows(4).any(|window| window == b"ENC[")
}

/// Checks that a printed text reads back as the same values, and that printing it again changes nothing.
fn print_and_read(format: Format, documents: &[Branch<Stored<'_>>]) {
    let plain = opened(documents);
    let printed = match format.emit(plain, usize::MAX) {
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

/// Checks that a document, encrypted with a known key and decrypted again, is as before.
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
    let (Ok(Some(printed)), Ok(Some(expected))) = (format.emit(sealed, usize::MAX), format.emit(plain, usize::MAX)) else {
        return;
    };
    let file = SopsFile::parse(format, printed.expose())
        .unwrap_or_else(|error| panic!("{error} in {}", printed.expose().escape_ascii()));
    let decrypted = match file.decrypt(&sealing::data_key()) {
        Ok(decrypted) => decrypted,
        Err(error) => panic!("{error} in {}", printed.expose().escape_ascii()),
    };
    select(&decrypted, documents);
    parts(&decrypted);
    let whole = decrypted
        .into_whole(usize::MAX)
        .unwrap_or_else(|error| panic!("{error}"))
        .expect("nothing is longer");
    match (format.parse(whole.expose()), format.parse(expected.expose())) {
        (Ok(found), Ok(expected)) => assert_eq!(values(&found), values(&expected)),
        _ => assert_eq!(whole.expose(), expected.expose()),
    }
}

/// Checks that each value of the top level is found by its name, and that a message about a missing value shows no secret.
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

/// Checks that the first document is written in each form, or refused with a message that shows no secret, and that JSON and YAML are
/// texts of these formats.
fn parts(decrypted: &sops_install_secrets::sops::Decrypted) {
    let (selector, key) = (decrypted.selector(), KeyPath::parse("[0]"));
    for form in FORMS {
        let text = match decrypted.part(&selector, &key, form, usize::MAX) {
            Ok(text) => text.expect("nothing is longer"),
            Err(error) => {
                assert_presentable(&error);
                continue;
            }
        };
        let format = match form {
            PartForm::Json => Format::Json,
            PartForm::Yaml => Format::Yaml,
            PartForm::Lines | PartForm::Variables(_) => continue,
        };
        // JSON is read less deep than YAML is.
        if let Err(error) = format.parse(text.expose())
            && !error.to_string().contains("recursion limit")
        {
            panic!("{error} in {format} of a part: {}", text.expose().escape_ascii());
        }
    }
}

/// Adds the metadata where the format has them: in a section `sops`, or in dotenv as keys.
fn add_metadata(format: Format, documents: &mut [Branch<Opened>], metadata: Vec<(&'static str, Vec<u8>)>) {
    let text = |text: Vec<u8>| Value::Scalar(ScalarType::Text, Plaintext::from(text).into());
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

/// Whether the format can express all values. A value that it cannot express is printed as sops prints it, and does not read back.
fn is_printable(format: Format, documents: &[Branch<Stored<'_>>]) -> bool {
    let any = |wanted: &dyn Fn(ScalarType, &[u8]) -> bool| {
        documents
            .iter()
            .any(|document| any_scalar(&Value::Map(document.clone()), &|kind, text| wanted(kind, text)))
    };
    match format {
        // In INI, sops quotes some texts: it puts a value with ` or a line break between """, and a name with " or = or : between
        // `. It does not check whether the text contains the closing quote. A byte order mark at the beginning of the file is
        // dropped, even if it belongs to a name.
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
        // sops cannot encrypt such values or keys.
        Format::Yaml => !any(&|kind, _| kind == ScalarType::Unsigned) && !any_key(documents, &|key| matches!(key, Key::Other(_))),
        Format::Json | Format::Dotenv | Format::Binary => true,
    }
}
