//! Checks the layers of the program. A module uses only modules of the layers below, and no two modules use each other.
//!
//! `docs/design.md` has the table of all modules, and of the modules that each of them uses. `UPDATE_EXPECT=1 cargo test --test
//! layers` writes the table.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the lints about panics mean the program; a test fails by panicking"
)]

mod imports;
mod style;

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::Path,
};

use imports::{Imports, Module};

/// The layers from the lowest to the highest.
const LAYERS: [&str; 9] = [
    "text",
    "system",
    "transform",
    "sops",
    "keys",
    "install",
    "manifest",
    "program",
    "command",
];

fn imports() -> Imports {
    Imports::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
}

#[test]
fn a_layer_uses_those_below_it() {
    let height = |name: &String| {
        let height = LAYERS.iter().position(|layer| layer == name);
        height.unwrap_or_else(|| panic!("{name} is no layer"))
    };
    let mut upwards = Vec::new();
    for (user, used) in imports().between_children(&Module::new()) {
        let above = used.iter().filter(|other| height(other) > height(&user));
        upwards.extend(above.map(|other| format!("{user} uses {other}")));
    }
    assert_eq!(upwards, Vec::<String>::new());
}

#[test]
fn no_module_is_used_by_what_it_uses() {
    let imports = imports();
    let parents: BTreeSet<Module> = imports
        .purposes
        .keys()
        .flat_map(|module| (0..module.len()).map(|end| module[..end].to_vec()))
        .collect();
    let rings: Vec<String> = parents
        .iter()
        .flat_map(|parent| {
            let uses = imports.between_children(parent);
            rings(&uses).into_iter().map(move |ring| format!("in {parent:?}: {ring:?}"))
        })
        .collect();
    assert_eq!(rings, Vec::<String>::new());
}

/// The modules that use themselves by way of others. The modules of one such ring are together.
fn rings(uses: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<BTreeSet<String>> {
    let reached = |start: &String| {
        let mut reached = BTreeSet::new();
        let mut waiting = vec![start];
        while let Some(module) = waiting.pop() {
            for other in uses.get(module).into_iter().flatten() {
                if reached.insert(other.clone()) {
                    waiting.push(other);
                }
            }
        }
        reached
    };
    let reached: BTreeMap<&String, BTreeSet<String>> = uses.keys().map(|module| (module, reached(module))).collect();
    let ring = |module: &String| {
        reached[module]
            .iter()
            .filter(|other| reached.get(other).is_some_and(|back| back.contains(module)))
            .cloned()
            .collect()
    };
    reached
        .keys()
        .filter(|module| reached[**module].contains(**module))
        .map(|module| ring(module))
        .collect()
}

#[test]
fn no_module_uses_one_that_it_lies_in() {
    let imports = imports();
    let inwards: Vec<String> = imports
        .uses
        .iter()
        .flat_map(|(module, used)| {
            let around = used.iter().filter(|other| !other.is_empty() && module.starts_with(other));
            around.map(|other| format!("{} uses {}", module.join("::"), other.join("::")))
        })
        .collect();
    assert!(inwards.is_empty(), "\n{}", inwards.join("\n"));
}

#[test]
fn a_ring_is_found() {
    let uses = |pairs: &[(&str, &[&str])]| {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        pairs
            .iter()
            .map(|(user, used)| ((*user).to_owned(), set(used)))
            .collect::<BTreeMap<String, BTreeSet<String>>>()
    };
    assert!(rings(&uses(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &[])])).is_empty());
    let ring = rings(&uses(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"])]));
    assert_eq!(format!("{ring:?}"), r#"{{"b", "c"}}"#);
}

/// Makes a row for each layer, and for each module directly below a layer.
fn table(imports: &Imports) -> String {
    let mut lines = vec![
        "| place | what is there | uses |".to_owned(),
        "| --- | --- | --- |".to_owned(),
    ];
    for layer in LAYERS.iter().rev() {
        let own = vec![(*layer).to_owned()];
        let below = imports.between_children(&Module::new()).remove(*layer).unwrap_or_default();
        lines.push(row(imports, &own, &below));
        for (child, used) in imports.between_children(&own) {
            lines.push(row(imports, &vec![(*layer).to_owned(), child], &used));
        }
    }
    lines.join("\n") + "\n"
}

fn row(imports: &Imports, module: &Module, used: &BTreeSet<String>) -> String {
    let path = module.join("/");
    let is_directory = imports
        .purposes
        .keys()
        .any(|other| other.len() > module.len() && other.starts_with(module))
        || module.len() == 1;
    let suffix = if is_directory { "/" } else { ".rs" };
    let used: Vec<String> = used.iter().map(|name| format!("`{name}`")).collect();
    format!(
        "| `src/{path}{suffix}` | {} | {} |",
        imports.purposes[module],
        used.join(", ")
    )
}

#[test]
fn the_table_of_the_design_is_that_of_the_source() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/design.md");
    let text = fs::read_to_string(&page).unwrap();
    let start = text.find("| place | what is there | uses |").expect("the table");
    let length = text[start..].find("\n\n").expect("the end of the table") + 1;
    let expected = table(&imports());
    if env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&page, [&text[..start], &expected, &text[start + length..]].concat()).unwrap();
        return;
    }
    assert_eq!(
        &text[start..start + length],
        expected,
        "UPDATE_EXPECT=1 cargo test --test layers"
    );
}
