//! Makes commands about a sops file. A command names the file by the path under which somebody can edit it.

use std::{borrow::Cow, path::Path};

use crate::{
    sops::format::Format,
    text::{diagnosis::Diagnosis, encoding::Encoding, shell},
};

/// The directory in which Nix keeps everything that it builds.
const STORE: &str = "/nix/store";
/// The remedy if no better remedy is known: version control still has the file as sops wrote it.
pub(crate) const RESTORE: &str = "restore the file from version control";

/// A sops file, by the name under which somebody can edit it.
#[derive(Clone, Copy)]
pub(crate) struct Editable<'f> {
    path: &'f Path,
    format: Format,
    /// The directory that commands are typed in, if it is not the current one. A relative path begins there.
    directory: Option<&'f Path>,
}

impl<'f> Editable<'f> {
    /// The sops file at `path`, a path from the manifest.
    pub(crate) fn new(path: &'f Path, format: Format) -> Self {
        Self {
            path,
            format,
            directory: None,
        }
    }

    /// The same file, with commands that go to a directory first. The path of the file begins there.
    pub(crate) fn typed_in(self, directory: Option<&'f Path>) -> Self {
        Self { directory, ..self }
    }

    /// The same file, read in another format.
    pub(crate) fn read_as(self, format: Format) -> Self {
        Self { format, ..self }
    }

    /// The format that the manifest declares for the file.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// The command `run: sops …`, with the name of the file as the last argument. sops chooses the format by the ending of the name.
    /// If the ending stands for another format, options name the right format.
    pub(crate) fn sops(&self, arguments: &str) -> String {
        let directory = if arguments == "updatekeys" {
            "and in the directory of .sops.yaml "
        } else {
            ""
        };
        self.sops_in(directory, arguments)
    }

    /// The command of [`Self::sops`] for an action that follows the rules of `.sops.yaml`. sops looks for `.sops.yaml` from the
    /// current directory upwards, so the text before the command says where to type the command.
    pub(crate) fn sops_by_rules(&self, arguments: &str) -> String {
        self.sops_in("in the directory of .sops.yaml ", arguments)
    }

    /// The text `directory`, then the command. `directory` says in which directory to type the command. If the name of the file
    /// is relative, `directory` is left out: a user who wrote a relative name knows its directory, and for a file in the Nix
    /// store, [`Self::run`] says where to type the command.
    fn sops_in(&self, directory: &str, arguments: &str) -> String {
        let directory = if self.source().is_absolute() { directory } else { "" };
        let types = self.types(arguments);
        let run = self.run(|file| format!("sops {arguments}{types} {file}"));
        format!("{directory}{run}")
    }

    /// The commands `run: sops exec-file … && mv …`, after which the file is as the rules of `.sops.yaml` say. The plain text goes
    /// from one sops to the other through a pipe, and the file stays as it is if one of them fails.
    pub(crate) fn encrypt_anew(&self) -> String {
        let types = self.types("exec-file");
        self.run(|file| {
            let encrypt = format!("sops encrypt --filename-override {file}{types} {{}} > {file}.new");
            let encrypt = shell::word(&encrypt);
            format!("sops exec-file{types} {file} {encrypt} && mv {file}.new {file}")
        })
    }

    /// The options that name the format of the file, if the ending of its name stands for another format.
    fn types(&self, arguments: &str) -> String {
        let format = self.format;
        match of_ending(self.path) {
            told if told == format => String::new(),
            // `sops updatekeys` has no option `--output-type`.
            _ if arguments == "updatekeys" => format!(" --input-type {format}"),
            _ => format!(" --input-type {format} --output-type {format}"),
        }
    }

    /// The text `run: ` and a command, which the function `command` makes from the quoted name of the file. For a file in the
    /// Nix store, the text is `run where it was built from: ` instead of `run: `.
    pub(crate) fn run(&self, command: impl FnOnce(&str) -> String) -> String {
        let source = self.source();
        let place = if source == self.path { "" } else { " where it was built from" };
        let first = self.directory.map(|directory| format!("cd {} && ", shell::path(directory)));
        format!("run{place}: {}{}", first.unwrap_or_default(), command(&shell::path(&source)))
    }

    /// What to do about a text in this encoding.
    pub(crate) fn recoded(&self, encoding: Encoding) -> Diagnosis {
        Diagnosis::new(encoding.to_string(), self.run(|file| encoding.command(file)))
    }

    /// The command `run: git …` for this file.
    pub(crate) fn git(&self, arguments: &str) -> String {
        let source = self.source();
        let directory = match source.parent() {
            Some(parent) if source.is_absolute() => format!("-C {} ", shell::path(parent)),
            _ => String::new(),
        };
        self.run(|file| {
            let name = source.file_name().filter(|_| !directory.is_empty());
            let name = name.map(|name| shell::path(Path::new(name)));
            format!("git {directory}{arguments} {}", name.as_deref().unwrap_or(file))
        })
    }

    /// The path under which somebody can edit the file. A file in the Nix store cannot be edited, because it is a copy. If a
    /// whole directory was copied to the store, the path of the file in this directory is returned. If only the file was
    /// copied, its name without the digest is returned.
    fn source(&self) -> Cow<'f, Path> {
        let Ok(inside) = self.path.strip_prefix(STORE) else {
            return Cow::Borrowed(self.path);
        };
        let mut parts = inside.components();
        let copied = parts.next().map(|part| part.as_os_str().to_string_lossy());
        match (parts.as_path(), copied) {
            (below, _) if below != Path::new("") => Cow::Borrowed(below),
            (_, Some(name)) => Cow::Owned(name.split_once('-').map_or(&*name, |(_, name)| name).into()),
            (_, None) => Cow::Borrowed(self.path),
        }
    }
}

/// The format that sops chooses by the ending of the name. A name may consist of the ending alone, such as `.env`.
pub(crate) fn of_ending(path: &Path) -> Format {
    let name = path.as_os_str().as_encoded_bytes();
    let endings = [
        (".yaml", Format::Yaml),
        (".yml", Format::Yaml),
        (".json", Format::Json),
        (".env", Format::Dotenv),
        (".ini", Format::Ini),
    ];
    let found = endings.iter().find(|(ending, _)| name.ends_with(ending.as_bytes()));
    found.map_or(Format::Binary, |(_, format)| *format)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sops(path: &str, format: Format, arguments: &str) -> String {
        Editable::new(Path::new(path), format).sops(arguments)
    }

    #[test]
    fn a_file_in_the_store_goes_by_the_name_that_it_has_outside() {
        let digest = "0c5b6xl4yfxpyjmqkqfs8dpfzx2zhcy4";
        for (path, name) in [
            (format!("/nix/store/{digest}-source/secrets/db.yaml"), "secrets/db.yaml"),
            (format!("/nix/store/{digest}-my-db.yaml"), "my-db.yaml"),
        ] {
            let expected = format!("run where it was built from: sops edit {name}");
            assert_eq!(sops(&path, Format::Yaml, "edit"), expected);
        }
        assert_eq!(sops("/etc/a b.yaml", Format::Yaml, "edit"), "run: sops edit '/etc/a b.yaml'");
    }

    #[test]
    fn the_format_is_named_where_the_ending_tells_another() {
        for (path, format, command) in [
            ("/a.yml", Format::Yaml, "sops edit /a.yml"),
            ("/a", Format::Binary, "sops edit /a"),
            ("/a", Format::Yaml, "sops edit --input-type yaml --output-type yaml /a"),
            ("/.env", Format::Dotenv, "sops edit /.env"),
            (
                "/a.YAML",
                Format::Yaml,
                "sops edit --input-type yaml --output-type yaml /a.YAML",
            ),
            (
                "/a.json",
                Format::Binary,
                "sops edit --input-type binary --output-type binary /a.json",
            ),
        ] {
            assert_eq!(sops(path, format, "edit"), format!("run: {command}"));
        }
        assert_eq!(
            sops("/a", Format::Ini, "updatekeys"),
            "and in the directory of .sops.yaml run: sops updatekeys --input-type ini /a"
        );
    }

    #[test]
    fn a_relative_name_is_typed_where_it_is_one() {
        let stored = "/nix/store/0c5b6xl4yfxpyjmqkqfs8dpfzx2zhcy4-source/a.yaml";
        for (path, place) in [
            ("/a.yaml", "and in the directory of .sops.yaml run"),
            ("a.yaml", "run"),
            (stored, "run where it was built from"),
        ] {
            let said = sops(path, Format::Yaml, "updatekeys");
            assert!(said.starts_with(&format!("{place}: sops updatekeys ")), "{said}");
        }
    }
}
