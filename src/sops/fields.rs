//! Finds the fields of a map in the `sops` section. The map has the nested shape of YAML and JSON.

use std::collections::BTreeMap;

use super::tree::{Branch, Item, Key, Stored, Value};

/// The text of a field, whatever the type of its scalar is. Returns `None` if the field is missing, or is no scalar.
pub(crate) fn text(map: &Branch<Stored<'_>>, field: &str) -> Option<String> {
    match named(map, field)? {
        Value::Scalar(_, text) => Some(lossy(text)),
        _ => None,
    }
}

/// The texts in the map `field`, by name, whatever the types of their scalars are. What is no scalar is left out.
pub(crate) fn texts(map: &Branch<Stored<'_>>, field: &str) -> BTreeMap<String, String> {
    let Some(Value::Map(texts)) = named(map, field) else {
        return BTreeMap::new();
    };
    let text = |item: &Item<Stored<'_>>| match (&item.key, &item.value) {
        (Key::Name(name), Value::Scalar(_, text)) => Some((lossy(name), lossy(text))),
        _ => None,
    };
    texts.items.iter().filter_map(text).collect()
}

fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

/// The maps in the list `field`. A single map in the place of the list counts as a list of one map.
pub(crate) fn maps<'m, 's>(map: &'m Branch<Stored<'s>>, field: &str) -> impl Iterator<Item = &'m Branch<Stored<'s>>> {
    let elements = match named(map, field) {
        Some(Value::List(elements)) => elements.as_slice(),
        Some(single @ Value::Map(_)) => std::slice::from_ref(single),
        _ => &[],
    };
    elements.iter().filter_map(|element| match element {
        Value::Map(branch) => Some(branch),
        _ => None,
    })
}

/// The value of the field with exactly this name. If there is none, the value of a field whose name differs only in the case of
/// letters. In JSON, a name may occur more than once. As in sops, the last occurrence counts.
pub(crate) fn named<'m, 's>(map: &'m Branch<Stored<'s>>, field: &str) -> Option<&'m Value<Stored<'s>>> {
    let last = |is_field: fn(&[u8], &[u8]) -> bool| {
        let found = map
            .items
            .iter()
            .rfind(|item| matches!(&item.key, Key::Name(name) if is_field(name, field.as_bytes())));
        found.map(|item| &item.value)
    };
    last(|name, field| name == field).or_else(|| last(<[u8]>::eq_ignore_ascii_case))
}
