//! Provisional.
use thiserror::Error;
pub struct RuleTexts {
    pub unencrypted_suffix: Option<String>,
    pub encrypted_suffix: Option<String>,
    pub unencrypted_regex: Option<String>,
    pub encrypted_regex: Option<String>,
    pub unencrypted_comment_regex: Option<String>,
    pub encrypted_comment_regex: Option<String>,
}
#[derive(Debug)]
pub struct Rules;
#[derive(Debug, Error)]
pub enum RulesError {
    #[error("x")]
    X,
}
#[derive(Default)]
pub struct Comments;
impl Comments {
    pub fn enter(&mut self) {}
    pub fn leave(&mut self) {}
    pub fn clear(&mut self) {}
    pub fn push(&mut self, _t: &[u8]) {}
}
impl Rules {
    pub fn new(_t: &RuleTexts) -> Result<Self, RulesError> {
        Ok(Rules)
    }
    pub fn select(&self, path: &[Vec<u8>], _c: &Comments, _i: bool) -> bool {
        !path.iter().any(|p| p.ends_with(b"_unencrypted"))
    }
}
