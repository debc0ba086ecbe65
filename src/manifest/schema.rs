//! Makes `docs/manifest.schema.json` from the types of the manifest; compiled for the tests only.
//!
//! `UPDATE_EXPECT=1 cargo test --lib manifest::schema` writes the file anew.

use expect_test::expect_file;
use schemars::{Schema, schema_for, transform};
use serde_json::{Map, Value, json};

use super::raw::RawManifest;

/// The text of the JSON schema of a manifest.
fn text() -> String {
    let mut schema = schema_for!(RawManifest);
    schema.insert("title".to_owned(), json!("Manifest of sops-install-secrets"));
    transform::transform_subschemas(&mut fields, &mut schema);
    fields(&mut schema);
    serde_json::to_string_pretty(&schema).unwrap() + "\n"
}

/// Adapts the fields of one object in the schema: removes defaults and formats, and allows null in optional fields.
fn fields(schema: &mut Schema) {
    let required = schema.get("required").cloned().unwrap_or(json!([]));
    let is_required = |name: &String| required.as_array().unwrap().contains(&json!(name));
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for (name, field) in properties.into_iter().flatten() {
        let field = field.as_object_mut().unwrap();
        // The defaults come from the zero values of the Rust types, and the formats from the widths of Rust integers. Neither
        // belongs to the manifest.
        field.remove("default");
        field.remove("format");
        if !is_required(name) {
            allow_null(field);
        }
    }
}

/// Allows null in the schema of a field. Null stands for the zero value, as in `null_as_default`.
fn allow_null(field: &mut Map<String, Value>) {
    if let Some(reference) = field.remove("$ref") {
        field.insert("anyOf".to_owned(), json!([{"$ref": reference}, {"type": "null"}]));
    }
    if let Some(Value::String(kind)) = field.get("type") {
        field.insert("type".to_owned(), json!([kind, "null"]));
    }
    if let Some(Value::Array(values)) = field.get_mut("enum") {
        values.push(Value::Null);
    }
}

#[test]
fn the_published_schema_is_that_of_the_types() {
    expect_file!["../../docs/manifest.schema.json"].assert_eq(&text());
}
