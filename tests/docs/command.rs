//! Checks that each example in `docs/command.md` shows what `sops-nix` prints. The examples are cases of `tests/messages/`.

use super::{files, found, read, root};

/// The examples of a page: each has a command and what it prints.
fn examples(page: &str) -> Vec<&str> {
    found(r"(?s)```console\n(\$ .*?)```", page)
}

/// The command and the output of a case, in the form of an example.
fn shown(case: &str) -> Option<String> {
    let typed = case.split_once("-- typed --\n")?.1;
    let (typed, printed) = typed.split_once("-- printed --\n")?;
    let printed = printed.rsplit_once("[exit ")?.0;
    let command = typed.strip_prefix("terminal ").unwrap_or(typed);
    let command = command.strip_prefix("HOME=$PWD/home ").unwrap_or(command);
    Some(format!("$ {command}{}", printed.replace("$DIR/home", "~")))
}

#[test]
fn each_example_of_the_command_is_what_a_case_prints() {
    let page = read("docs/command.md");
    let cases = files(&root().join("tests/messages/cases"));
    let cases: Vec<_> = cases.iter().map(|case| std::fs::read_to_string(case).unwrap()).collect();
    let shown: Vec<_> = cases.iter().filter_map(|case| shown(case)).collect();
    let examples = examples(&page);
    assert_eq!(examples.len(), 10);
    for example in examples {
        assert!(shown.iter().any(|case| *case == example), "no case prints this:\n{example}");
    }
}
