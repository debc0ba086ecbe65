//! Shows what a sops file tells without a key.

mod inspection;
mod inspector;
mod lines;
mod page;
#[cfg(test)]
mod schema;

pub(crate) use inspector::answer;
