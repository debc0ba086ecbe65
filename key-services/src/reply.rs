//! What the installer is answered: one line of JSON for each entry, written as soon as the entry is decided.

use std::{
    fmt::Write as _,
    io::{self, IoSlice},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use rustix::{io::writev, stdio::stdout};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::{fault::Fault, quote::quote, request::Entry, secret::Secret};

/// A line that says why an entry stays closed.
#[derive(Serialize)]
struct Refusal<'a> {
    id: u64,
    error: Named<'a>,
}

#[derive(Serialize)]
struct Named<'a> {
    service: &'a str,
    key: String,
    #[serde(flatten)]
    fault: &'a Fault,
}

/// The line about the entry with the name `id`: `{"id":…,"data_key":"base64"}`, or `{"id":…,"error":{…}}`.
pub(crate) fn line(id: u64, entry: &Entry, outcome: &Result<Secret, Fault>) -> Zeroizing<String> {
    match outcome {
        Ok(data_key) => opened(id, data_key),
        Err(fault) => Zeroizing::new(refused(id, entry, fault)),
    }
}

/// Writes `line` to standard output, past the buffer of the standard library, which nobody wipes.
///
/// # Errors
///
/// If the installer reads no more.
pub(crate) fn write(line: &str) -> io::Result<()> {
    let mut rest = line.as_bytes();
    while !rest.is_empty() {
        let written = writev(stdout(), &[IoSlice::new(rest)])?;
        rest = rest.get(written..).unwrap_or_default();
    }
    Ok(())
}

fn opened(id: u64, data_key: &Secret) -> Zeroizing<String> {
    let needed = base64::encoded_len(data_key.expose().len(), true).unwrap_or_default();
    let mut line = Zeroizing::new(String::with_capacity(needed + 64));
    let _ = write!(line, r#"{{"id":{id},"data_key":""#);
    BASE64_STANDARD.encode_string(data_key.expose(), &mut line);
    line.push_str("\"}\n");
    line
}

fn refused(id: u64, entry: &Entry, fault: &Fault) -> String {
    let error = Named {
        service: entry.service(),
        key: quote(&entry.key(), &[]),
        fault,
    };
    serde_json::to_string(&Refusal { id, error }).unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_document() {
        let entry = Entry::Hckms {
            key_id: "cn-north-4:\"\n".to_owned(),
            enc: String::new(),
        };
        assert_eq!(
            *line(7, &entry, &Ok(Secret::from("key"))),
            "{\"id\":7,\"data_key\":\"a2V5\"}\n"
        );
        let fault = Fault::new(crate::fault::Kind::NotSpoken, "why");
        assert_eq!(
            *line(7, &entry, &Err(fault)),
            r#"{"id":7,"error":{"service":"Huawei Cloud KMS","key":"cn-north-4:\"","kind":"not_spoken","cause":"why"}}"#
                .to_owned()
                + "\n"
        );
    }
}
