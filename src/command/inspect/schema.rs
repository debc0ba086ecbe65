//! Makes the JSON schema of an inspection from its type; compiled for the tests only.
//!
//! `UPDATE_EXPECT=1 cargo test --lib command::inspect::schema` writes the file anew.

use expect_test::expect_file;
use schemars::schema_for;
use serde_json::json;

use super::inspection::Inspection;

#[test]
fn the_published_schema_is_that_of_the_type() {
    let mut schema = schema_for!(Inspection);
    schema.insert("title".to_owned(), json!("What sops-nix inspect --json prints"));
    let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
    expect_file!["../../../docs/inspect.schema.json"].assert_eq(&text);
}
