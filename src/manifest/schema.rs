//! `docs/manifest.schema.json`, made of the types of the manifest; compiled for the tests alone.
//!
//! `UPDATE_EXPECT=1 cargo test --lib manifest::schema` writes it anew.

use expect_test::expect_file;
use schemars::{Schema, schema_for, transform};
use serde_json::{Map, Value, json};

use super::raw::RawManifest;

/// The schema of a manifest, as text.
fn text() -> String {
    let mut schema = schema_for!(RawManifest);
    schema.insert("title".to_owned(), json!("Manifest of sops-install-secrets"));
    transform::transform_subschemas(&mut fields, &mut schema);
    fields(&mut schema);
    serde_json::to_string_pretty(&schema).unwrap() + "\n"
}

/// What holds for the fields of every object.
fn fields(schema: &mut Schema) {
    let required = schema.get("required").cloned().unwrap_or(json!([]));
    let is_required = |name: &String| required.as_array().unwrap().contains(&json!(name));
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for (name, field) in properties.into_iter().flatten() {
        let field = field.as_object_mut().unwrap();
        // Zero values, which the Rust types have too; and how many bits a number has here.
        field.remove("default");
        field.remove("format");
        if !is_required(name) {
            allow_null(field);
        }
    }
}

/// Null stands for the zero value, as in `null_as_default`.
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
