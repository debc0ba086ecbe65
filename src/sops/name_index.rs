//! The values of a map by name, with those that YAML merge keys bring into it.

use std::collections::HashMap;

use super::tree::{Branch, Item, Key, Value};

/// How many levels of merge keys are followed. There are several levels if a merged map has merge keys of its own.
const MERGE_DEPTH: usize = 16;

/// The index of a map: its values by name. In JSON, a name may occur more than once.
pub(crate) type NameIndex<'t, S> = HashMap<&'t [u8], Named<'t, S>>;

/// The value or values that have one name in a map.
pub(crate) enum Named<'t, S> {
    One(&'t Value<S>),
    Several,
}

impl<S> Clone for Named<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Named<'_, S> {}

/// The index of a map.
pub(crate) fn index<S>(branch: &Branch<S>) -> NameIndex<'_, S> {
    let mut index = own_index(branch);
    merge(&mut index, branch, MERGE_DEPTH);
    index
}

/// Adds the names that YAML merge keys (`<<`) bring into a map. sops-nix finds these names too, because it parses the decrypted
/// text again, with a parser that follows merge keys. A name that is already in the index keeps its value.
fn merge<'t, S>(index: &mut NameIndex<'t, S>, branch: &'t Branch<S>, depth: usize) {
    let Some(deeper) = depth.checked_sub(1) else { return };
    let merged = own_values(branch, b"<<");
    let maps = match merged.as_slice() {
        [Value::List(maps)] => maps.as_slice(),
        [single] => std::slice::from_ref(*single),
        _ => &[],
    };
    for map in maps {
        if let Value::Map(inner) = map {
            for (name, named) in own_index(inner) {
                index.entry(name).or_insert(named);
            }
            merge(index, inner, deeper);
        }
    }
}

/// The values of a name in the map itself, without those from merge keys.
fn own_values<'t, S>(branch: &'t Branch<S>, name: &[u8]) -> Vec<&'t Value<S>> {
    let of_name = |item: &&Item<S>| matches!(&item.key, Key::Name(key) if key == name);
    branch.items.iter().filter(of_name).map(|item| &item.value).collect()
}

/// The index of a map, without the names that merge keys bring into the map.
fn own_index<S>(branch: &Branch<S>) -> NameIndex<'_, S> {
    let mut index = NameIndex::new();
    for item in &branch.items {
        if let Key::Name(name) = &item.key {
            index
                .entry(name.as_slice())
                .and_modify(|named| *named = Named::Several)
                .or_insert(Named::One(&item.value));
        }
    }
    index
}
