//! The plan of the floor: what it has to open and to publish.

use std::{
    fmt::{self, Write as _},
    fs,
    path::Path,
};

use crate::place::Place;

/// A plan while it is written.
pub struct Plan(String);

impl Plan {
    pub fn new(place: &Place) -> Self {
        Self(format!(
            "place {} {} {}\n",
            place.is_user,
            place.mount_point.display(),
            place.link.display()
        ))
    }

    /// Plans to open a file, for which its key `needs` some operations. The value of each key is published as the entry that `names`
    /// gives it. Values of one entry are put together.
    pub fn file(&mut self, path: &Path, needs: &[String], names: impl Fn(&str) -> String) {
        let text = fs::read_to_string(path).unwrap();
        self.line(format_args!("file {}", path.display()));
        for need in needs {
            self.line(format_args!("need {need}"));
        }
        let starts = text.match_indices("ENC[AES256_GCM,data:").map(|(at, start)| at + start.len());
        for start in starts {
            let length = text[start..].find(',').unwrap();
            let before = text[..start].trim_end_matches("ENC[AES256_GCM,data:");
            let key = before
                .rsplit(['\n', '{', ','])
                .next()
                .unwrap()
                .split(':')
                .next()
                .unwrap()
                .trim_matches(['"', ' ']);
            self.line(format_args!("value {start} {length} {key} {}", names(key)));
        }
    }

    /// Plans to publish a template. In its text, which is in a file, all values have a placeholder, in their order.
    pub fn template(&mut self, name: &str, text: &Path) {
        self.line(format_args!("template {name} {}", text.display()));
    }

    /// Plans to compare with what is published, instead of publishing.
    pub fn again(&mut self) {
        self.line(format_args!("again"));
    }

    pub fn write(&self, to: &Path) {
        fs::write(to, &self.0).unwrap();
    }

    fn line(&mut self, line: fmt::Arguments<'_>) {
        writeln!(self.0, "{line}").unwrap();
    }
}
