//! Keeps `docs/command-lines.md` as the programs describe their command lines, and checks that each command of `sops-nix` in the
//! documents exists. `UPDATE_EXPECT=1 cargo test --test docs command_lines` writes the page anew.

use std::{env, fmt::Write as _, fs, process::Command};

use regex::Regex;

use crate::{files, found, read, root};

const PAGE: &str = "docs/command-lines.md";

const HEAD: &str = "# Command lines

What `--help` prints. The man pages say the same, and the package has them: `man sops-nix`, `man sops-nix-status` and so on, and
`man sops-install-secrets`. Generated from the programs: do not edit. To make it anew:
`UPDATE_EXPECT=1 cargo test --test docs command_lines`.
";

/// What a program prints about itself or one of its commands.
pub fn help(program: &str, command: &[&str]) -> String {
    let output = Command::new(program).args(command).arg("--help").output().unwrap();
    assert!(output.status.success(), "{program} {command:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The commands of `sops-nix`, as its help lists them.
pub fn commands(help: &str) -> Vec<&str> {
    let (_, list) = help.split_once("Commands:\n").unwrap();
    let (list, _) = list.split_once("\n\n").unwrap();
    found(r"(?m)^  ([a-z-]+) ", list)
}

fn page() -> String {
    let sops_nix = env!("CARGO_BIN_EXE_sops-nix");
    let own = help(sops_nix, &[]);
    let installer = help(env!("CARGO_BIN_EXE_sops-install-secrets"), &[]);
    let mut sections = vec![("sops-nix".to_owned(), own.clone())];
    sections.extend(
        commands(&own)
            .into_iter()
            .map(|name| (format!("sops-nix {name}"), help(sops_nix, &[name]))),
    );
    sections.push(("sops-install-secrets".to_owned(), installer));
    sections.iter().fold(HEAD.to_owned(), |mut page, (title, help)| {
        let lines: Vec<_> = help.lines().map(str::trim_end).collect();
        let _ = write!(page, "\n## `{title}`\n\n```text\n{}\n```\n", lines.join("\n").trim_end());
        page
    })
}

#[test]
fn the_page_of_the_command_lines_is_current() {
    let page = page();
    if env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(root().join(PAGE), page).unwrap();
        return;
    }
    assert!(
        read(PAGE) == page,
        "{PAGE} is not current: run UPDATE_EXPECT=1 cargo test --test docs command_lines"
    );
}

/// The lines of code in a text: in spans, in blocks with a fence, and indented.
fn code(text: &str) -> String {
    let blocks = found(r"(?ms)^```[a-z]+\n(.*?)^```$", text).into_iter();
    let spans = found(r"`([^`\n]+)`", text).into_iter();
    let indented = found(r"(?m)^ {4,}(.+)$", text).into_iter();
    blocks.chain(spans).chain(indented).collect::<Vec<_>>().join("\n")
}

/// What is wrong with the commands of `sops-nix` in a text: names and options that the page of the command lines does not have.
fn wrong(text: &str, page: &str) -> Vec<String> {
    let typed = Regex::new(r"(?m)(?:^|\| |&& |^\$ |-- |example )sops-nix ([a-z][a-z-]+)([^|\n]*)").unwrap();
    let code = code(text);
    let faults = typed.captures_iter(&code).flat_map(|typed| {
        let Some((_, section)) = page.split_once(&format!("\n## `sops-nix {}`\n", &typed[1])) else {
            return vec![format!("sops-nix {}", &typed[1])];
        };
        let section = section.split("\n## ").next().unwrap();
        let options = found(r" (--[a-z-]+)", &typed[2]).into_iter();
        let unknown = options.filter(|option| !found(r"(--[a-z-]+)", section).contains(option));
        unknown.map(|option| format!("sops-nix {} {option}", &typed[1])).collect()
    });
    faults.collect()
}

#[test]
fn each_command_in_the_documents_exists() {
    let page = read(PAGE);
    let pages = files(root()).into_iter();
    let pages = pages.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let faults = pages.flat_map(|path| {
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        let wrong = wrong(&fs::read_to_string(&path).unwrap(), &page);
        wrong.into_iter().map(move |what| format!("{name}: {what}"))
    });
    assert_eq!(faults.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn a_command_that_does_not_exist_is_found() {
    let text = "`sops-nix statsu`, `ssh-keyscan a | sops-nix convert --too pgp`, `sops-nix status --json`\n\n    sops-nix plan --jason ./result\n";
    assert_eq!(
        wrong(text, &read(PAGE)),
        ["sops-nix statsu", "sops-nix convert --too", "sops-nix plan --jason"]
    );
}
