//! Sets up a repository for sops: a key, the rules, and a first file.

mod first_file;
mod initializer;
mod new_file;
mod output;
mod own_key;
mod recipients;
mod rule_text;

pub(crate) use initializer::answer;
