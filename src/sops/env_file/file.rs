//! A file of environment variables that is being written.

use std::collections::HashSet;

use super::{error::EnvFileError, form::Form};
use crate::{
    sops::{
        format::{Format, ParseError},
        tree::{Key, Value},
    },
    system::plaintext::Plaintext,
};

/// A file of environment variables that is being written for a reader.
pub struct EnvFile {
    form: Form,
    text: Plaintext,
    names: HashSet<Vec<u8>>,
}

impl EnvFile {
    /// A file without variables, with room for `capacity` bytes.
    #[must_use]
    pub fn new(form: Form, capacity: usize) -> Self {
        Self {
            form,
            text: Plaintext::with_capacity(capacity),
            names: HashSet::new(),
        }
    }

    /// The variables of a dotenv text, as sops reads it. The text is no secret. Comments are left out.
    ///
    /// # Errors
    /// When a line is neither a comment nor a variable, and those of [`Self::push`].
    pub fn of_dotenv(form: Form, text: &[u8]) -> Result<Plaintext, EnvFileError> {
        let line = |error: ParseError| EnvFileError::Line {
            line: error.line.unwrap_or(1),
        };
        let mut file = Self::new(form, text.len());
        for item in Format::Dotenv
            .parse(text)
            .map_err(line)?
            .iter()
            .flat_map(|document| &document.items)
        {
            if let (Key::Name(name), Value::Scalar(_, value)) = (&item.key, &item.value) {
                file.push(name, value)?;
            }
        }
        Ok(file.finish())
    }

    /// Appends a variable.
    ///
    /// # Errors
    /// When the reader would not give back this value under this name. The file is of no use then.
    pub fn push(&mut self, name: &[u8], value: &[u8]) -> Result<(), EnvFileError> {
        self.claim(name)?;
        let variable = || String::from_utf8_lossy(name).into_owned();
        let reader = self.form.reader();
        let most = self.form.most();
        if name.len().saturating_add(value.len()) > most {
            let variable = variable();
            return Err(EnvFileError::Long { variable, most, reader });
        }
        self.text.push(name);
        self.text.push(b"=");
        self.form
            .write(value, &mut |part| self.text.push(part))
            .map_err(|fault| EnvFileError::Value {
                variable: variable(),
                fault,
                reader,
            })?;
        self.text.push(b"\n");
        Ok(())
    }

    /// Takes a name for a variable, without its value.
    ///
    /// # Errors
    /// When the reader would not give back any value under this name.
    pub(crate) fn claim(&mut self, name: &[u8]) -> Result<(), EnvFileError> {
        let variable = || String::from_utf8_lossy(name).into_owned();
        if !is_name(name) {
            return Err(EnvFileError::Name { variable: variable() });
        }
        if self.form.sets(name) {
            return Err(EnvFileError::Own { variable: variable() });
        }
        if !self.names.insert(name.to_vec()) {
            return Err(EnvFileError::Repeated { variable: variable() });
        }
        Ok(())
    }

    /// The size of the text so far, in bytes.
    pub(crate) fn size(&self) -> usize {
        self.text.len()
    }

    /// The text of the file.
    #[must_use]
    pub fn finish(self) -> Plaintext {
        self.text
    }
}

/// Whether every reader takes this for the name of a variable.
pub(crate) fn is_name(name: &[u8]) -> bool {
    let is_letter = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'_';
    name.first().is_some_and(is_letter) && name.iter().all(|byte| is_letter(byte) || byte.is_ascii_digit())
}
