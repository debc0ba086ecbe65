//! Makes the JSON schemas of what the commands for a host print; compiled for the tests only.
//!
//! `UPDATE_EXPECT=1 cargo test --lib command::host::schema` writes the files anew.

use expect_test::expect_file;
use schemars::{Schema, schema_for};
use serde_json::json;

use super::{doctor::Examination, explain::Explanation, plan::HostPlan, status::HostStatus, who_reads::Readership};

/// The text of a schema with this title.
fn text(mut schema: Schema, title: &str) -> String {
    schema.insert("title".to_owned(), json!(title));
    serde_json::to_string_pretty(&schema).unwrap() + "\n"
}

#[test]
fn the_published_schemas_are_those_of_the_types() {
    let schemas = [
        ("status", schema_for!(HostStatus)),
        ("doctor", schema_for!(Examination)),
        ("explain", schema_for!(Explanation)),
        ("who-reads", schema_for!(Readership)),
        ("plan", schema_for!(HostPlan)),
    ];
    for (name, schema) in schemas {
        let text = text(schema, &format!("What sops-nix {name} --json prints"));
        let path = format!("{}/docs/{name}.schema.json", env!("CARGO_MANIFEST_DIR"));
        expect_file![path].assert_eq(&text);
    }
}
