//! Checks rules of style on which readers rely, and which rustfmt and clippy do not check.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use syn::{
    Item, ItemMod, ItemUse, UseTree, Visibility,
    visit::{self, Visit},
};

use super::imports::is_for_tests;

/// A source file, for rules that look at a single file.
struct Source {
    /// The path below `src`.
    path: PathBuf,
    items: Vec<Item>,
}

/// All source files, with the tests.
fn sources() -> Vec<Source> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let read = |path: PathBuf| Source {
        items: syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap().items,
        path: path.strip_prefix(&top).unwrap().to_owned(),
    };
    rust_files(&top).into_iter().map(read).collect()
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] });
    files
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// Checks that `faults` finds nothing in any source file.
fn assert_none(faults: impl Fn(&Source) -> Vec<String>) {
    let found: Vec<String> = sources()
        .iter()
        .flat_map(|source| {
            let path = source.path.display().to_string();
            faults(source).into_iter().map(move |fault| format!("{path}: {fault}"))
        })
        .collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn a_module_with_children_is_a_mod_rs() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    assert_none(|source| {
        let beside = top.join(&source.path).with_extension("");
        let is_beside = beside.is_dir();
        is_beside
            .then(|| format!("belongs into {} as mod.rs", beside.display()))
            .into_iter()
            .collect()
    });
}

#[test]
fn unit_tests_are_at_the_end_of_their_file_or_in_a_directory() {
    assert_none(|source| {
        let mut faults = Vec::new();
        if source.path.ends_with("tests.rs") {
            faults.push("belongs into a directory tests/ as mod.rs".to_owned());
        }
        let inner = source.items.iter().enumerate().filter_map(|(index, item)| match item {
            Item::Mod(module) if module.content.is_some() => Some((index, module)),
            _ => None,
        });
        for (index, module) in inner.filter(|(_, module)| module.attrs.iter().any(is_for_tests)) {
            let is_in_place = module.ident == "tests" && index + 1 == source.items.len();
            // The module for fuzz targets is in the root of the crate.
            if !is_in_place && module.ident != "fuzzing" {
                faults.push(format!("the module {} is not `tests`, at the end", module.ident));
            }
        }
        faults
    });
}

#[test]
fn no_two_types_have_one_name() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in sources() {
        for name in types(&source.items) {
            places.entry(name).or_default().push(source.path.display().to_string());
        }
    }
    places.retain(|_, places| places.len() > 1);
    assert!(places.is_empty(), "{places:#?}");
}

/// The names of the types among `items`, and in modules inside `items`.
fn types(items: &[Item]) -> Vec<String> {
    let mut names = Vec::new();
    for item in items {
        match item {
            Item::Struct(item) => names.push(item.ident.to_string()),
            Item::Enum(item) => names.push(item.ident.to_string()),
            Item::Type(item) => names.push(item.ident.to_string()),
            Item::Trait(item) => names.push(item.ident.to_string()),
            Item::Mod(ItemMod {
                content: Some((_, items)),
                ..
            }) => names.extend(types(items)),
            _ => {}
        }
    }
    names
}

#[test]
fn what_a_file_imports_is_grouped() {
    assert_none(|source| groups(&source.items));
}

/// The faults in the order of imports among `items`, and in modules inside `items`. Each crate must have one `use`. The standard
/// library comes first, and this crate comes last.
fn groups(items: &[Item]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut seen: Vec<(String, String)> = Vec::new();
    for item in items {
        match item {
            Item::Use(item) if item.attrs.is_empty() => {
                let import = (visibility(&item.vis), root(&item.tree));
                if seen.contains(&import) {
                    faults.push(format!("two times {} use {}", import.0, import.1));
                }
                seen.push(import);
            }
            Item::Mod(ItemMod {
                content: Some((_, items)),
                ..
            }) => faults.extend(groups(items)),
            _ => {}
        }
    }
    let private: Vec<_> = seen.iter().filter(|(visibility, _)| visibility.is_empty()).collect();
    if !private.is_sorted_by_key(|(_, root)| rank(root)) {
        faults.push("imports are std, then other crates, then this crate".to_owned());
    }
    faults
}

/// The first name of an import.
fn root(tree: &UseTree) -> String {
    match tree {
        UseTree::Path(path) => path.ident.to_string(),
        UseTree::Name(name) => name.ident.to_string(),
        UseTree::Rename(name) => name.ident.to_string(),
        UseTree::Glob(_) | UseTree::Group(_) => String::new(),
    }
}

/// The group that an import belongs to.
fn rank(root: &str) -> usize {
    match root {
        "std" => 0,
        "crate" | "super" | "self" => 2,
        _ => 1,
    }
}

#[test]
fn a_sibling_is_imported_by_super_and_anything_else_by_crate() {
    assert_none(|source| {
        let mut roots = Roots {
            parent: parent(&source.path),
            faults: Vec::new(),
        };
        for item in &source.items {
            roots.visit_item(item);
        }
        roots.faults
    });
}

/// The parent of this file's module, as a path that begins at the crate.
fn parent(path: &Path) -> Vec<String> {
    let mut names: Vec<String> = path.iter().map(|name| name.to_str().unwrap().to_owned()).collect();
    let file = names.pop();
    if file.as_deref() == Some("mod.rs") {
        names.pop();
    }
    names
}

/// Collects the first names of imports.
struct Roots {
    parent: Vec<String>,
    faults: Vec<String>,
}

impl<'a> Visit<'a> for Roots {
    fn visit_item_mod(&mut self, item: &'a ItemMod) {
        // Tests may import everything of the module that they test, but nothing from above their own file.
        if item.ident != "tests" {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'a ItemUse) {
        for path in paths(&item.tree, &[]) {
            if path.iter().filter(|name| *name == "super").count() > 1 {
                self.faults.push(format!("{} is written from crate on", path.join("::")));
            }
            let is_own = path.first().is_some_and(|first| first == "crate")
                && !self.parent.is_empty()
                && path[1..].starts_with(&self.parent);
            if is_own {
                self.faults.push(format!("{} is written with super", path.join("::")));
            }
        }
    }
}

/// All paths of an import.
fn paths(tree: &UseTree, before: &[String]) -> Vec<Vec<String>> {
    let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
    match tree {
        UseTree::Path(path) => paths(&path.tree, &with(&path.ident)),
        UseTree::Group(group) => group.items.iter().flat_map(|tree| paths(tree, before)).collect(),
        UseTree::Name(name) => vec![with(&name.ident)],
        UseTree::Rename(name) => vec![with(&name.ident)],
        UseTree::Glob(_) => vec![before.to_vec()],
    }
}

#[test]
fn an_item_is_private_or_of_the_crate_or_public() {
    assert_none(|source| {
        let mut restrictions = Restrictions(Vec::new());
        for item in &source.items {
            restrictions.visit_item(item);
        }
        restrictions.0
    });
}

/// Collects visibilities other than `pub(crate)` and `pub`.
struct Restrictions(Vec<String>);

impl<'a> Visit<'a> for Restrictions {
    fn visit_visibility(&mut self, written: &'a Visibility) {
        let name = visibility(written);
        if !["", "pub", "pub(crate)"].contains(&name.as_str()) {
            self.0.push(format!("{name} is written pub(crate)"));
        }
    }
}

fn visibility(visibility: &Visibility) -> String {
    match visibility {
        Visibility::Public(_) => "pub".to_owned(),
        Visibility::Inherited => String::new(),
        Visibility::Restricted(restricted) => {
            let names: Vec<String> = restricted.path.segments.iter().map(|name| name.ident.to_string()).collect();
            let of = if restricted.in_token.is_some() { "in " } else { "" };
            format!("pub({of}{})", names.join("::"))
        }
    }
}
