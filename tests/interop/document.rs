//! A document before it is a text. The generator makes documents, the renderers write them as text, and the shrinker makes them
//! smaller.

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
    /// The name that sops and manifests use for the format.
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

/// How a string is written, if the format allows several ways. If the text cannot be written in this way, the renderer uses quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Plain,
    Single,
    Double,
    Block,
}

/// A value. `Bare` is a scalar that is written into the text exactly as it is spelled: a number, a boolean, null or a date.
#[derive(Clone, Debug)]
pub enum Value {
    Bare(String),
    Text(String, Style),
    Map { items: Vec<Item>, flow: bool },
    List { items: Vec<Item>, flow: bool },
}

impl Value {
    /// The items of a map or a list.
    pub fn items(&self) -> &[Item] {
        match self {
            Self::Map { items, .. } | Self::List { items, .. } => items,
            _ => &[],
        }
    }

    /// The items of a map or a list, for changes.
    pub fn items_mut(&mut self) -> Option<&mut Vec<Item>> {
        match self {
            Self::Map { items, .. } | Self::List { items, .. } => Some(items),
            _ => None,
        }
    }
}

/// An item of a map or of a list, with the comments around it. In a list, the key has no meaning.
#[derive(Clone, Debug)]
pub struct Item {
    pub above: Vec<String>,
    pub key: String,
    pub value: Value,
    pub beside: Option<String>,
    pub below: Option<String>,
}

impl Item {
    /// Removes the comments of this item. Comments inside its value stay.
    pub fn strip(&mut self) {
        self.above.clear();
        self.beside = None;
        self.below = None;
    }
}

/// The rules by which sops selects the values to encrypt, as the lines of a creation rule.
#[derive(Clone, Debug, Default)]
pub struct Rule {
    /// The field and its value, such as `encrypted_regex` and `^secret`.
    pub selection: Option<(&'static str, &'static str)>,
    pub mac_only_encrypted: bool,
}

/// A complete file.
#[derive(Clone, Debug)]
pub struct Document {
    pub format: Format,
    pub rule: Rule,
    pub content: Content,
}

/// The content of a file. YAML may have several maps, and other formats have one map. In INI, the values of the map are the
/// sections. A binary file is only bytes.
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

    /// Whether sops is known to print this document wrong. That is the case for two kinds of texts with several lines. If the text
    /// begins with a tab, it is printed as `null`. If it is in a list and begins with a blank or a line break, its indentation is
    /// wrong.
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
