//! Writes documents as text that a person could give to sops.

use std::fmt::Write as _;

use crate::document::{Content, Document, Format, Item, Style, Value};

/// The bytes of the file before encryption.
pub fn render(document: &Document) -> Vec<u8> {
    let parts = match &document.content {
        Content::Bytes(bytes) => return bytes.clone(),
        Content::Tree(parts) => parts,
    };
    match document.format {
        Format::Yaml => parts.iter().map(yaml_part).collect::<Vec<_>>().join("---\n").into_bytes(),
        Format::Json => parts.iter().map(flow_json).collect::<String>().into_bytes(),
        Format::Dotenv => parts.iter().map(|part| dotenv(part.items())).collect::<String>().into_bytes(),
        Format::Ini => parts.iter().map(|part| ini(part.items())).collect::<String>().into_bytes(),
        Format::Binary => Vec::new(),
    }
}

fn yaml_part(part: &Value) -> String {
    if part.items().is_empty() {
        "{}\n".to_owned()
    } else {
        block(part, 0)
    }
}

/// A map or list in block style, each line indented by `indent` blanks.
fn block(value: &Value, indent: usize) -> String {
    let pad = " ".repeat(indent);
    let is_map = matches!(value, Value::Map { .. });
    let mut text = String::new();
    for item in value.items() {
        for comment in &item.above {
            let _ = writeln!(text, "{pad}#{comment}");
        }
        let beside = item.beside.as_ref().map_or(String::new(), |comment| format!(" #{comment}"));
        let lead = if is_map {
            format!("{}:", key(&item.key))
        } else {
            "-".to_owned()
        };
        match &item.value {
            Value::Bare(spelling) => {
                let _ = writeln!(text, "{pad}{lead} {spelling}{beside}");
            }
            Value::Text(content, style) => {
                let (scalar, rest) = scalar(content, *style, indent + 2);
                let _ = writeln!(text, "{pad}{lead} {scalar}{beside}");
                text += &rest;
            }
            nested if nested.items().is_empty() || is_flow(nested) => {
                let _ = writeln!(text, "{pad}{lead} {}{beside}", flow_yaml(nested));
            }
            nested if is_map => {
                let _ = writeln!(text, "{pad}{lead}{beside}");
                text += &block(nested, indent + if indent.is_multiple_of(4) { 4 } else { 2 });
            }
            nested => {
                // The first line of the nested value stands behind the dash.
                text += &pad;
                text += "- ";
                text += block(nested, indent + 2).get(indent + 2..).unwrap_or_default();
            }
        }
        if let Some(comment) = &item.below {
            let _ = writeln!(text, "{pad}#{comment}\n");
        }
    }
    text
}

/// Quotes a key, unless it is a plain word that no reader takes for anything else.
fn key(text: &str) -> String {
    let is_word = text.starts_with(|c: char| c.is_alphabetic()) && text.chars().all(|c| c.is_alphanumeric() || c == '_');
    let is_special = ["true", "false", "null"].contains(&text.to_lowercase().as_str());
    if is_word && !is_special {
        text.to_owned()
    } else {
        double(text)
    }
}

fn is_flow(value: &Value) -> bool {
    matches!(value, Value::Map { flow: true, .. } | Value::List { flow: true, .. })
}

/// A string in YAML: the text on the line of its key, and the lines below that line.
fn scalar(text: &str, style: Style, indent: usize) -> (String, String) {
    match style {
        Style::Plain if is_plain(text) => (text.to_owned(), String::new()),
        Style::Single if is_printable(text) && !text.contains('\n') => (format!("'{}'", text.replace('\'', "''")), String::new()),
        Style::Block if is_printable(text) && text.trim_end_matches('\n').contains('\n') => literal(text, indent),
        _ => (double(text), String::new()),
    }
}

/// A literal block. It always has an indicator for the indentation.
fn literal(text: &str, indent: usize) -> (String, String) {
    let chomping = match (text.ends_with('\n'), text.ends_with("\n\n")) {
        (false, _) => "-",
        (true, false) => "",
        (true, true) => "+",
    };
    let pad = " ".repeat(indent);
    let body = text.strip_suffix('\n').unwrap_or(text);
    let lines = body
        .split('\n')
        .map(|line| {
            if line.is_empty() {
                "\n".to_owned()
            } else {
                format!("{pad}{line}\n")
            }
        })
        .collect();
    (format!("|2{chomping}"), lines)
}

/// Whether a plain scalar is read back as exactly this text, or is meant to be read as a value of another type.
fn is_plain(text: &str) -> bool {
    let starts_well = text.starts_with(|c: char| c.is_alphanumeric());
    starts_well
        && is_printable(text)
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.contains('\n')
}

/// Whether YAML allows all characters of the text without an escape. Line breaks other than LF, and marks at the beginning or end
/// of the text, are not allowed.
fn is_printable(text: &str) -> bool {
    text.chars().all(|c| matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{10000}'..))
}

/// A YAML string in double quotes, with all unusual characters escaped.
fn double(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        let _ = match c {
            '"' | '\\' => write!(quoted, "\\{c}"),
            '\n' => write!(quoted, "\\n"),
            c if is_printable(c.encode_utf8(&mut [0; 4])) => write!(quoted, "{c}"),
            c => write!(quoted, "\\U{:08X}", u32::from(c)),
        };
    }
    quoted + "\""
}

fn flow_yaml(value: &Value) -> String {
    match value {
        // Inside braces, a tag or an empty text would need special care that is not worth its cost.
        Value::Bare(spelling) if spelling.is_empty() || spelling.starts_with('!') => "null".to_owned(),
        Value::Bare(spelling) => spelling.clone(),
        Value::Text(text, _) => double(text),
        Value::Map { items, .. } => format!(
            "{{{}}}",
            joined(items, |item| format!("{}: {}", double(&item.key), flow_yaml(&item.value)))
        ),
        Value::List { items, .. } => format!("[{}]", joined(items, |item| flow_yaml(&item.value))),
    }
}

fn flow_json(value: &Value) -> String {
    match value {
        Value::Bare(spelling) => spelling.clone(),
        Value::Text(text, _) => serde_json::to_string(text).unwrap(),
        Value::Map { items, .. } => {
            format!(
                "{{{}}}",
                joined(items, |item| format!(
                    "{}: {}",
                    serde_json::to_string(&item.key).unwrap(),
                    flow_json(&item.value)
                ))
            )
        }
        Value::List { items, .. } => format!("[{}]", joined(items, |item| flow_json(&item.value))),
    }
}

fn joined(items: &[Item], one: impl Fn(&Item) -> String) -> String {
    items.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn dotenv(items: &[Item]) -> String {
    let mut text = String::new();
    for item in items {
        for comment in &item.above {
            let _ = writeln!(text, "#{comment}");
        }
        if let Value::Text(value, _) = &item.value {
            let _ = writeln!(text, "{}={}", item.key, value.replace('\n', "\\n"));
        }
    }
    text
}

fn ini(sections: &[Item]) -> String {
    let mut text = String::new();
    for section in sections {
        for comment in &section.above {
            let _ = writeln!(text, ";{comment}");
        }
        let _ = writeln!(text, "[{}]", section.key);
        for item in section.value.items() {
            for comment in &item.above {
                let _ = writeln!(text, "#{comment}");
            }
            if let Value::Text(value, style) = &item.value {
                let _ = writeln!(text, "{} = {}", item.key, ini_value(value, *style));
            }
        }
    }
    text
}

fn ini_value(value: &str, style: Style) -> String {
    match style {
        Style::Block if !value.contains("\"\"\"") => format!("\"\"\"{value}\"\"\""),
        Style::Single if !value.contains(['`', '\n']) => format!("`{value}`"),
        Style::Double if !value.contains(['"', '\n']) => format!("\"{value}\""),
        _ => value.replace('\n', " "),
    }
}
