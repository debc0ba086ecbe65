//! The transforms, by the names that they have in a manifest.

use super::{
    base64, crypt,
    error::{NameError, TransformError},
    htpasswd,
    salt::Salts,
};
use crate::system::plaintext::Plaintext;

/// What a value is transformed into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transform {
    /// The bytes that the value spells in Base64.
    Base64Decode,
    /// The hash of the password by SHA-512, for crypt(3).
    Sha512Crypt,
    /// The hash of the password by yescrypt, for crypt(3).
    Yescrypt,
    /// The line of an htpasswd file for this user, with the hash of the password by bcrypt.
    Htpasswd(String),
}

impl Transform {
    /// The transform with this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn of_name(name: &str) -> Result<Self, NameError> {
        match name {
            "base64-decode" => Ok(Self::Base64Decode),
            "sha512-crypt" => Ok(Self::Sha512Crypt),
            "yescrypt" => Ok(Self::Yescrypt),
            _ => {
                let user = name.strip_prefix("htpasswd:").ok_or(NameError::Unknown)?;
                let user = Some(user).filter(|user| htpasswd::is_user(user)).ok_or(NameError::User)?;
                Ok(Self::Htpasswd(user.to_owned()))
            }
        }
    }

    /// The name of the transform in a manifest.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Base64Decode => "base64-decode".to_owned(),
            Self::Sha512Crypt => "sha512-crypt".to_owned(),
            Self::Yescrypt => "yescrypt".to_owned(),
            Self::Htpasswd(user) => format!("htpasswd:{user}"),
        }
    }

    /// Looks whether `value` can be transformed.
    ///
    /// # Errors
    /// When it cannot.
    pub fn check(&self, value: &Plaintext) -> Result<(), TransformError> {
        match self {
            Self::Base64Decode => base64::decoded(value).map(drop),
            Self::Sha512Crypt | Self::Yescrypt => crypt::password(value).map(drop),
            Self::Htpasswd(_) => htpasswd::password(value).map(drop),
        }
    }

    /// Transforms `value`. A hash has one of `salts`.
    ///
    /// # Errors
    /// When the value cannot be transformed.
    pub fn apply(&self, value: &Plaintext, salts: &Salts<'_>) -> Result<Plaintext, TransformError> {
        match self {
            Self::Base64Decode => base64::decoded(value),
            Self::Sha512Crypt => crypt::sha512(value, salts),
            Self::Yescrypt => crypt::yes(value, salts),
            Self::Htpasswd(user) => htpasswd::line(user, value, salts),
        }
    }

    /// Whether `content` can be what this transform makes of a value. Any content can be what Base64 spells.
    #[must_use]
    pub fn can_make(&self, content: &Plaintext) -> bool {
        let content = content.expose();
        match self {
            Self::Base64Decode => true,
            Self::Sha512Crypt => crypt::is_sha512(content),
            Self::Yescrypt => crypt::is_yes(content),
            Self::Htpasswd(user) => htpasswd::is_line(user, content),
        }
    }
}
