//! Checks that the site has each page, and everything to which its pages link. (`docs/site.sh` makes it, and looks at the links in
//! what mdBook has made.)

use std::path::{Path, PathBuf};

use crate::{files, found, read, root};

/// The pages of the site: those that its table of contents names.
fn pages() -> Vec<PathBuf> {
    let contents = read("docs/SUMMARY.md");
    let links = found(r"(?m)\]\((.*)\)$", &contents);
    links.into_iter().map(|link| resolved(Path::new("docs"), link)).collect()
}

/// The path, from the project's directory, to which a link on a page in `directory` leads.
fn resolved(directory: &Path, link: &str) -> PathBuf {
    let path = root().join(directory).join(link).canonicalize().unwrap();
    path.strip_prefix(root().canonicalize().unwrap()).unwrap().to_owned()
}

#[test]
fn each_document_is_a_page_of_the_site_once() {
    let mut pages = pages();
    pages.sort();
    let number = pages.len();
    pages.dedup();
    assert_eq!(pages.len(), number, "a page is there twice");
    let documents = files(&root().join("docs")).into_iter();
    let absent: Vec<_> = documents
        .map(|path| path.strip_prefix(root()).unwrap().to_owned())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .filter(|path| !path.ends_with("SUMMARY.md") && !pages.contains(path))
        .collect();
    assert_eq!(absent, Vec::<PathBuf>::new());
}

#[test]
fn each_page_links_to_what_the_site_has() {
    let pages = pages();
    let is_there = |path: &Path| {
        let is_copied =
            path.parent() == Some(Path::new("docs")) && path.extension().is_some_and(|it| it == "json" || it == "svg");
        is_copied || pages.iter().any(|page| page == path)
    };
    let faults = pages.iter().flat_map(|page| {
        let text = read(page.to_str().unwrap());
        let links = found(r"\]\(([^)# \t\n]+)[^) \t\n]*\)", &text).into_iter();
        let own = links.filter(|link| !link.contains("://")).map(str::to_owned);
        let missing = own.filter(|link| !is_there(&resolved(page.parent().unwrap(), link)));
        missing.map(|link| format!("{}: {link}", page.display())).collect::<Vec<_>>()
    });
    assert_eq!(faults.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn the_package_of_the_site_has_each_page() {
    let package = read("nix/docs.nix");
    let sources = found(r"(?m)^ +\.\./(.+)$", &package);
    assert!(sources.contains(&"tests/docs/site.py"), "{sources:?}");
    let absent: Vec<_> = pages()
        .into_iter()
        .filter(|page| !sources.iter().any(|source| page.starts_with(source)))
        .collect();
    assert_eq!(absent, Vec::<PathBuf>::new());
}

/// What somebody with a task looks for.
#[test]
fn each_how_to_has_a_configuration_a_check_and_what_goes_wrong() {
    let pages = files(&root().join("docs/how-to"));
    assert!(pages.len() > 10, "{}", pages.len());
    let faults = pages.iter().flat_map(|page| {
        let text = std::fs::read_to_string(page).unwrap();
        // The page of commands has no configuration.
        let is_table = page.ends_with("keys.md");
        let parts = ["```nix", "\n## Does it work?\n", "\n## What goes wrong\n"].into_iter();
        let missing = parts.filter(move |part| !text.contains(part) && (!is_table || part.contains("wrong")));
        missing.map(|part| format!("{}: {part}", page.display())).collect::<Vec<_>>()
    });
    assert_eq!(faults.collect::<Vec<_>>(), Vec::<String>::new());
}
