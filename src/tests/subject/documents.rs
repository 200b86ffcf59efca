//! The rows of the table `subject` as documents.

use super::{Kind, PROPERTIES, Property};
use crate::pg::query;
use crate::pg::spi::QueryText::Made;
use crate::tests::document;
use segments_core::value::{Json, Value, key_order};

/// The rows as documents that conditions read in the same way: the value of each column, beside the custom properties.
pub fn documents() -> Vec<(i32, Json)> {
    let rows = query::rows(Made("SELECT s.id, to_jsonb(s)::text FROM subject s ORDER BY s.id"), &[], |row| {
        (row.get::<i32>(1), row.get::<String>(2))
    });
    rows.into_iter()
        .map(|(id, text)| {
            let json = Json::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            let Value::Object(columns) = json else { panic!("{text} is no object") };
            let mut members = Vec::new();
            for (name, value) in columns {
                match PROPERTIES.iter().find(|property| property.column.is_some() && property.name == name) {
                    // A column that is NULL is missing, but a jsonb column may hold the null of JSON.
                    Some(property) if value == Value::Null && !holds_null(property, id) => {}
                    Some(property) => members.push((name, property.read(value))),
                    None if name == "properties" => {
                        if let Value::Object(custom) = value {
                            members.extend(custom);
                        }
                    }
                    None => members.push((name, value)),
                }
            }
            members.sort_by(|(left, _), (right, _)| key_order(left.as_bytes(), right.as_bytes()));
            (id, Value::Object(members))
        })
        .collect()
}

fn holds_null(property: &Property, id: i32) -> bool {
    if property.kind != Kind::Json {
        return false;
    }
    let sql = format!("SELECT {} IS NOT NULL FROM subject WHERE id = $1", property.name);
    query::first(&sql, &[id.into()], |row| row.get(1)).unwrap_or(false)
}

impl Property {
    /// The value of the column as conditions read it, from what `to_jsonb` prints for it.
    fn read(&self, value: Json) -> Json {
        match (self.kind, value) {
            (_, Value::Array(items)) if self.kind != Kind::Json => {
                // An array of several dimensions is the list of its elements.
                Value::Array(items.into_iter().flat_map(|item| elements(self.read(item))).collect())
            }
            // NaN equals no number, but it is a value.
            (Kind::Number | Kind::Numbers, Value::String(text)) if text == "NaN" => {
                Value::Object(vec![("NaN".to_owned(), Value::Bool(true))])
            }
            // An infinity is beyond every other number.
            (Kind::Number | Kind::Numbers, Value::String(text)) => {
                document::number(if text == "Infinity" { "1e131071" } else { "-1e131071" })
            }
            // These are beyond every day that an operand can name.
            (Kind::Date, Value::String(text)) => Value::String(match text.as_str() {
                "infinity" | "10000-01-01" => "9999-12-31".to_owned(),
                "-infinity" | "0044-03-15 BC" => "0001-01-01".to_owned(),
                _ => text,
            }),
            (Kind::Timestamp | Kind::Dates, Value::String(text)) => Value::String(match text.as_str() {
                "-infinity" => "0001-01-01T00:00:00Z".to_owned(),
                text if text == "infinity" || text.starts_with("10000-") => "9999-12-31T23:59:59.999999Z".to_owned(),
                _ => text,
            }),
            (Kind::FoldedStrings, Value::String(text)) => Value::String(text.to_lowercase()),
            // The padding is not part of the value.
            (_, Value::String(text)) if self.column.is_some_and(|column| column.starts_with("char")) => {
                Value::String(text.trim_end_matches(' ').to_owned())
            }
            (_, value) => value,
        }
    }
}

/// The elements of an array inside an array; otherwise the element itself.
fn elements(item: Json) -> Vec<Json> {
    match item {
        Value::Array(items) => items,
        item => vec![item],
    }
}
