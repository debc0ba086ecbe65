//! Quotes words for a shell, in commands that somebody copies from a message.

use std::{fmt::Write as _, path::Path};

use super::printable::is_control;

/// A path as one word of a shell command. `./` is put before a leading `-`, so that no program takes the path for an option.
pub(crate) fn path(path: &Path) -> String {
    let text = path.to_string_lossy();
    if text.starts_with('-') {
        word(&format!("./{text}"))
    } else {
        word(&text)
    }
}

/// A text as one word of a shell command. A safe text is not changed; any other text is quoted. Control characters would break
/// the message, so they are escaped in `$'…'`, as in bash.
pub(crate) fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:@%=".contains(c);
    if text.chars().any(is_control) {
        format!("$'{}'", escaped(text))
    } else if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// The text between `$'` and `'`: quotes, backslashes and control characters are escaped.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        match character {
            '\'' | '\\' => out.extend(['\\', character]),
            character if is_control(character) => {
                let mut bytes = [0; 4];
                for byte in character.encode_utf8(&mut bytes).bytes() {
                    // Writing to a string cannot fail.
                    let _ = write!(out, "\\x{byte:02x}");
                }
            }
            character => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt, process::Command};

    use super::*;

    #[test]
    fn a_shell_gives_back_every_word() {
        for name in [
            "a",
            "/a b",
            "it's",
            "$HOME",
            "a\nb",
            "é\u{85}\\'",
            "a;b",
            "-x",
            "*",
            "~",
            "",
            "a\"b`c`",
            "#a",
        ] {
            let command = format!("printf %s {}", word(name));
            let output = Command::new("bash").args(["-c", &command]).output().unwrap();
            assert_eq!(OsStr::from_bytes(&output.stdout), OsStr::new(name), "{command}");
            assert!(!command.contains('\n'));
        }
        assert_eq!(path(Path::new("-x y")), "'./-x y'");
    }
}
