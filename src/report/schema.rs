//! The JSON schema of a report, from the types that it is written with; their documentation becomes the descriptions.

use super::model::{Report, SCHEMA_VERSION};
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// The schema of every report of this version, of the older builds that wrote it as well. A field that is newer than the
/// version is not required, and one that is not known is allowed.
#[must_use]
pub fn schema() -> Value {
    let generator = SchemaSettings::draft2020_12().for_deserialize().into_generator();
    let mut schema = generator.into_root_schema_for::<Report>().to_value();
    in_plain_words(&mut schema);
    schema["title"] = json!("Report of queue-load");
    schema["properties"]["schema_version"]["const"] = json!(SCHEMA_VERSION);
    // What the writer adds, since it covers bytes.
    schema["properties"]["digest"] = hexadecimal("SHA-256 of the text of `cases`, lower-case hexadecimal.");
    schema["properties"]["seal"] =
        hexadecimal("SHA-256 of everything in front of the seal, lower-case hexadecimal. Older reports have none.");
    if let Some(required) = schema["required"].as_array_mut() {
        required.push(json!("digest"));
    }
    schema
}

fn hexadecimal(description: &str) -> Value {
    json!({"type": "string", "pattern": "^[0-9a-f]{64}$", "description": description})
}

/// Makes the documentation of code readable outside of it.
fn in_plain_words(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(in_plain_words),
        Value::Object(fields) => {
            describe(fields);
            fields.values_mut().for_each(in_plain_words);
        }
        _ => {}
    }
}

fn describe(fields: &mut Map<String, Value>) {
    if let Some(Value::String(text)) = fields.get_mut("description") {
        *text = without_links(text);
    }
}

/// Paragraphs on one line each, what links to code as the code alone, and `None` as JSON has it.
fn without_links(text: &str) -> String {
    let is_target = |line: &&str| line.starts_with('[') && line.contains("]: ");
    let paragraphs = text.split("\n\n").map(|paragraph| {
        let lines: Vec<&str> = paragraph.lines().map(str::trim).filter(|line| !is_target(line)).collect();
        lines.join(" ")
    });
    let text = paragraphs.filter(|paragraph| !paragraph.is_empty()).collect::<Vec<_>>().join("\n\n");
    text.replace("[`", "`").replace("`]", "`").replace("`None`", "null")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    /// Every object may have the fields that the schema knows, and no others.
    fn closed(schema: &mut Value) {
        match schema {
            Value::Array(items) => items.iter_mut().for_each(closed),
            Value::Object(fields) => {
                fields.values_mut().for_each(closed);
                if fields.get("properties").is_some_and(Value::is_object) && fields.contains_key("type") {
                    fields.insert("additionalProperties".into(), json!(false));
                }
            }
            _ => {}
        }
    }

    #[test]
    fn every_field_that_is_written_is_in_the_schema() {
        let mut schema = schema();
        closed(&mut schema);
        let validator = jsonschema::validator_for(&schema).unwrap();
        let numbers: Vec<f64> = (0..8).map(f64::from).collect();
        for report in [fixture::report(), fixture::filled_with(&numbers, &[7; 8], "text")] {
            let mut written: Value = serde_json::from_slice(&report.to_bytes().unwrap()).unwrap();
            let wrong: Vec<String> =
                validator.iter_errors(&written).map(|error| format!("{}: {error}", error.instance_path())).collect();
            assert!(wrong.is_empty(), "{}", wrong.join("\n"));
            written["cases"][0]["ledger"] = json!(1);
            assert!(!validator.is_valid(&written), "a field that nobody knows");
        }
    }

    #[test]
    fn links_become_words() {
        for (text, expected) in [
            ("The [`Report`] of\none run.", "The `Report` of one run."),
            ("Read by\n[`over`].\n\n[`over`]: super::over", "Read by `over`."),
            ("One.\n\nTwo; `None`: none.", "One.\n\nTwo; null: none."),
        ] {
            assert_eq!(without_links(text), expected);
        }
    }
}
