//! Finds out from the source which module of the program uses which other module.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use syn::{
    Attribute, Item, ItemUse, UseTree,
    visit::{self, Visit},
};

/// A module, as the names on its path in the crate: `["keys", "report"]`. The path is empty for the crate itself.
pub type Module = Vec<String>;

/// The modules of the program, and the modules that each of them uses. Uses in tests do not count.
pub struct Imports {
    /// The first sentence in the documentation of each module.
    pub purposes: BTreeMap<Module, String>,
    /// The modules whose items each module names.
    pub uses: BTreeMap<Module, BTreeSet<Module>>,
}

impl Imports {
    /// Reads the source below `directory`.
    pub fn read(directory: &Path) -> Self {
        let sources: BTreeMap<Module, String> = files(directory)
            .into_iter()
            .map(|file| (module(directory, &file), fs::read_to_string(&file).unwrap()))
            .collect();
        let modules: BTreeSet<Module> = sources.keys().cloned().collect();
        let uses = sources
            .iter()
            .map(|(module, text)| (module.clone(), used(module, text, &modules)));
        Self {
            uses: uses.collect(),
            purposes: sources.iter().map(|(module, text)| (module.clone(), purpose(text))).collect(),
        }
    }

    /// For each child of `parent`, the other children that it uses. Modules below a child count as the child.
    pub fn between_children(&self, parent: &Module) -> BTreeMap<String, BTreeSet<String>> {
        let child = |module: &Module| module.strip_prefix(parent.as_slice()).and_then(|rest| rest.first().cloned());
        let mut children: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (module, used) in &self.uses {
            let Some(name) = child(module) else { continue };
            let others = used.iter().filter_map(child).filter(|other| *other != name);
            children.entry(name.clone()).or_default().extend(others);
        }
        children
    }
}

/// The Rust files below a directory. Files of tests, and files of other programs such as those in `bin`, are left out.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| {
            path.file_stem()
                .is_some_and(|stem| stem != "tests" && stem != "testing" && stem != "bin")
        })
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// The module of a source file.
fn module(directory: &Path, file: &Path) -> Module {
    let path = file.strip_prefix(directory).unwrap().with_extension("");
    let mut names: Module = path.iter().map(|name| name.to_str().unwrap().to_owned()).collect();
    if matches!(names.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        names.pop();
    }
    names
}

/// The first sentence of the module's documentation.
fn purpose(text: &str) -> String {
    let lines = text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim);
    let paragraph: Vec<&str> = lines.take_while(|line| !line.is_empty()).collect();
    let paragraph = paragraph.join(" ");
    let end = paragraph.find(". ").map_or(paragraph.len(), |end| end + 1);
    paragraph[..end].trim_end_matches('.').to_owned()
}

/// The modules that a module uses.
fn used(module: &Module, text: &str, modules: &BTreeSet<Module>) -> BTreeSet<Module> {
    let mut paths = Paths::default();
    paths.visit_file(&syn::parse_file(text).unwrap());
    let absolute = paths.found.iter().filter_map(|path| absolute(path, module, modules));
    let owners = absolute.filter_map(|path| {
        (0..=path.len())
            .rev()
            .map(|end| path[..end].to_vec())
            .find(|part| modules.contains(part))
    });
    owners.filter(|other| other != module).collect()
}

/// The path of an import, beginning at the crate. `None` if the path belongs to another crate.
fn absolute(path: &[String], module: &Module, modules: &BTreeSet<Module>) -> Option<Module> {
    let ups = path.iter().take_while(|name| *name == "super").count();
    let (base, rest) = match path.first()?.as_str() {
        "crate" => (&[][..], &path[1..]),
        "self" => (&module[..], &path[1..]),
        "super" => (&module[..module.len().checked_sub(ups)?], &path[ups..]),
        first => {
            let is_child = modules.contains(&[module.as_slice(), &[first.to_owned()]].concat());
            (is_child.then_some(&module[..])?, path)
        }
    };
    Some([base, rest].concat())
}

/// Collects all paths that are named outside tests.
#[derive(Default)]
struct Paths {
    found: Vec<Vec<String>>,
}

impl<'a> Visit<'a> for Paths {
    fn visit_item(&mut self, item: &'a Item) {
        let attributes = match item {
            Item::Mod(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !attributes.iter().any(is_for_tests) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'a ItemUse) {
        self.branches(&item.tree, &[]);
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        self.found
            .push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }
}

impl Paths {
    fn branches(&mut self, tree: &UseTree, before: &[String]) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.branches(&path.tree, &with(&path.ident)),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.branches(tree, before)),
            UseTree::Name(name) if name.ident == "self" => self.found.push(before.to_vec()),
            UseTree::Name(name) => self.found.push(with(&name.ident)),
            UseTree::Rename(name) => self.found.push(with(&name.ident)),
            UseTree::Glob(_) => self.found.push(before.to_vec()),
        }
    }
}

/// Whether an item with this attribute is compiled only for tests or for fuzzing.
pub fn is_for_tests(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute
            .parse_args::<syn::Path>()
            .is_ok_and(|path| path.is_ident("test") || path.is_ident("fuzzing"))
}
