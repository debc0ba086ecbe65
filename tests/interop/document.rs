//! A document before it is text: what the generator makes, the renderers write, and the shrinker takes apart.

/// The formats of sops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Yaml,
    Json,
    Dotenv,
    Ini,
    Binary,
}

impl Format {
    /// The name that sops and the manifest use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Yaml => "yaml",
            Self::Json => "json",
            Self::Dotenv => "dotenv",
            Self::Ini => "ini",
            Self::Binary => "binary",
        }
    }
}

/// How a string is written where the format leaves a choice; a renderer falls back to quotes where the text forbids it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Plain,
    Single,
    Double,
    Block,
}

/// A value. `Bare` is a scalar that stands in the text as it is spelled: numbers, booleans, null, dates.
#[derive(Clone, Debug)]
pub enum Value {
    Bare(String),
    Text(String, Style),
    Map { items: Vec<Item>, flow: bool },
    List { items: Vec<Item>, flow: bool },
}

impl Value {
    /// What is inside a map or a list.
    pub fn items(&self) -> &[Item] {
        match self {
            Self::Map { items, .. } | Self::List { items, .. } => items,
            _ => &[],
        }
    }

    /// The same, to change it.
    pub fn items_mut(&mut self) -> Option<&mut Vec<Item>> {
        match self {
            Self::Map { items, .. } | Self::List { items, .. } => Some(items),
            _ => None,
        }
    }
}

/// An entry of a map, or of a list (which has no use for the key), with the comments around it.
#[derive(Clone, Debug)]
pub struct Item {
    pub above: Vec<String>,
    pub key: String,
    pub value: Value,
    pub beside: Option<String>,
    pub below: Option<String>,
}

impl Item {
    /// Takes its comments away, not those of what is in it.
    pub fn strip(&mut self) {
        self.above.clear();
        self.beside = None;
        self.below = None;
    }
}

/// The rules of sops that say which values are encrypted, as the lines of a creation rule.
#[derive(Clone, Debug, Default)]
pub struct Rule {
    /// Field and value, such as `encrypted_regex` and `^secret`.
    pub selection: Option<(&'static str, &'static str)>,
    pub mac_only_encrypted: bool,
}

/// A whole file.
#[derive(Clone, Debug)]
pub struct Document {
    pub format: Format,
    pub rule: Rule,
    pub content: Content,
}

/// Several maps in YAML, one elsewhere; in INI its values are the sections. Binary files are just bytes.
#[derive(Clone, Debug)]
pub enum Content {
    Tree(Vec<Value>),
    Bytes(Vec<u8>),
}

impl Document {
    /// The maps of the file.
    pub fn parts(&self) -> &[Value] {
        match &self.content {
            Content::Tree(parts) => parts,
            Content::Bytes(_) => &[],
        }
    }

    /// Whether sops itself is known to print this document wrong: it has a text of several lines that begins with a tab (printed as `null`),
    /// or, in a list, with a blank or a line break (printed with a wrong indentation).
    pub fn is_misprinted_by_sops(&self) -> bool {
        self.format == Format::Yaml && self.parts().iter().any(|part| misprinted(part, false))
    }
}

fn misprinted(value: &Value, in_list: bool) -> bool {
    match value {
        Value::Text(text, _) => text.contains('\n') && (text.starts_with('\t') || in_list && text.starts_with([' ', '\n'])),
        Value::Bare(_) => false,
        Value::Map { items, .. } => items.iter().any(|item| misprinted(&item.value, in_list)),
        Value::List { items, .. } => items.iter().any(|item| misprinted(&item.value, true)),
    }
}
