//! `segments.builder_fields`: the fields that conditions of an audience can use, for form builders. The result is what
//! react-querybuilder documents as `fields` (<https://react-querybuilder.js.org/docs/components/querybuilder#fields>).

use crate::api::sample::Sample;
use crate::catalog::audience::{Audience, Subscriptions};
use crate::catalog::contact_sql::field_sql;
use crate::evaluate::stored::{self, Misfit};
use crate::pg::error::required;
use crate::pg::query;
use pgrx::JsonB;
use pgrx::prelude::*;
use segments_core::operator::Operator;
use segments_core::path::Path;
use segments_core::sql::ColumnKind;
use segments_core::types::{PropertyType, ScalarType};
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

/// The properties of an audience, its topics and its segments as fields of a form.
#[pg_extern(sql = false)]
fn builder_fields(audience: Option<&str>) -> JsonB {
    let audience = Audience::load(required("audience", audience));
    let labels = pairs(LABELS, &audience.source).into_iter().collect::<HashMap<String, String>>();
    let properties: Vec<Path> = audience.property_names().map(|name| Path::parse(&name)).collect();
    let examples = Examples::read(&audience, &properties);
    let field = |path: &Path| {
        let name = path.text();
        let field = Field {
            name,
            label: labels.get(name).cloned().unwrap_or_else(|| label_of(path)),
            property_type: audience.property_at(path)?,
            values: known_values(&audience, path),
        };
        Some(field.to_json(examples.placeholder(&audience, path)))
    };
    let mut fields: Vec<Value> = properties.iter().filter_map(field).collect();
    if let Subscriptions::In(_) = audience.topics {
        fields.extend(of_names(Operator::Topic, "Topic", pairs(TOPICS, &audience.source)));
    }
    fields.extend(of_names(Operator::Segment, "Segment", pairs(SEGMENTS, &audience.name)));
    JsonB(Value::Array(fields))
}

/// What an operator of a form asks for. It decides for which fields the operator is offered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asks {
    Value,
    List,
    Order,
    Range,
    Text,
    Presence,
}

/// The operators of react-querybuilder with their labels.
const OPERATORS: [(&str, &str, Asks); 18] = [
    ("=", "=", Asks::Value),
    ("!=", "!=", Asks::Value),
    ("<", "<", Asks::Order),
    (">", ">", Asks::Order),
    ("<=", "<=", Asks::Order),
    (">=", ">=", Asks::Order),
    ("contains", "contains", Asks::Text),
    ("beginsWith", "begins with", Asks::Text),
    ("endsWith", "ends with", Asks::Text),
    ("doesNotContain", "does not contain", Asks::Text),
    ("doesNotBeginWith", "does not begin with", Asks::Text),
    ("doesNotEndWith", "does not end with", Asks::Text),
    ("null", "is null", Asks::Presence),
    ("notNull", "is not null", Asks::Presence),
    ("in", "in", Asks::List),
    ("notIn", "not in", Asks::List),
    ("between", "between", Asks::Range),
    ("notBetween", "not between", Asks::Range),
];

fn operators(offers: impl Fn(Asks) -> bool) -> Value {
    let offered = OPERATORS.iter().filter(|(.., asks)| offers(*asks));
    offered.map(|(name, label, _)| json!({"name": name, "label": label})).collect()
}

/// A property as a field of a form.
struct Field<'a> {
    name: &'a str,
    label: String,
    property_type: PropertyType,
    /// All values that the property can have, if they are known
    values: Option<&'a [String]>,
}

impl Field<'_> {
    fn to_json(&self, placeholder: Option<String>) -> Value {
        let mut field =
            json!({"name": self.name, "label": self.label, "operators": operators(|asks| self.offers(asks))});
        if let Some(values) = self.values {
            field["valueEditorType"] = "select".into();
            field["values"] = values.iter().map(|value| json!({"name": value, "label": value})).collect();
            return field;
        }
        match self.property_type.element() {
            Some(ScalarType::Boolean) => field["valueEditorType"] = "checkbox".into(),
            Some(ScalarType::Number) => field["inputType"] = "number".into(),
            Some(ScalarType::Date | ScalarType::DateSeconds) => field["inputType"] = "date".into(),
            Some(ScalarType::Timestamp | ScalarType::TimestampSeconds) => field["inputType"] = "datetime-local".into(),
            Some(ScalarType::String) | None => field["inputType"] = "text".into(),
        }
        if let Some(placeholder) = placeholder {
            field["placeholder"] = placeholder.into();
        }
        field
    }

    /// Whether an operator is offered for the property: it fits the type and means what a user of the form expects.
    /// Bounds are not offered for arrays, because two elements may satisfy one bound each, nor for strings, which are
    /// ordered by their bytes.
    fn offers(&self, asks: Asks) -> bool {
        let element = self.property_type.element();
        let has_order = element.is_some_and(|scalar| scalar == ScalarType::Number || scalar.is_temporal());
        match asks {
            Asks::Presence => true,
            Asks::Value => element.is_some(),
            Asks::List => element.is_some_and(|scalar| scalar != ScalarType::Boolean),
            Asks::Order => has_order,
            Asks::Range => has_order && self.property_type.is_scalar(),
            Asks::Text => {
                element.is_some() && self.values.is_none() && Operator::Contains.row().fits.allows(self.property_type)
            }
        }
    }
}

/// The topics or the segments of an audience as a field whose values are their names; `None` if there are none.
fn of_names(operator: Operator, label: &str, names: Vec<(String, String)>) -> Option<Value> {
    let values: Vec<Value> = names.iter().map(|(name, label)| json!({"name": name, "label": label})).collect();
    (!values.is_empty()).then(|| {
        json!({
            "name": operator.name(),
            "label": label,
            "operators": operators(|asks| matches!(asks, Asks::Value | Asks::List)),
            "valueEditorType": "select",
            "values": values,
        })
    })
}

/// The labels of the type of an enum column.
fn known_values<'a>(audience: &'a Audience, path: &Path) -> Option<&'a [String]> {
    let column = audience.table.column(path.first()).filter(|_| path.rest().is_empty())?;
    match &column.kind {
        ColumnKind::Enum { labels, .. } => Some(labels),
        ColumnKind::Array(element) => match &**element {
            ColumnKind::Enum { labels, .. } => Some(labels),
            _ => None,
        },
        _ => None,
    }
}

/// The label of a property without a label: `last_purchase_date` becomes "Last purchase date".
fn label_of(path: &Path) -> String {
    let words = path.keys().join(" ").replace(['_', '.'], " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Values from a sample of the contacts, in columns that the caller may SELECT.
struct Examples(Option<Sample>);

impl Examples {
    fn read(audience: &Audience, properties: &[Path]) -> Self {
        let columns = query::rows(READABLE, &[audience.relation.oid.into()], |row| row.get::<String>(1));
        let columns: HashSet<String> = columns.into_iter().collect();
        let is_readable = |path: &&Path| match (audience.table.column(path.first()), &audience.table.properties) {
            (Some(column), _) => columns.contains(&column.name),
            (None, properties) => properties.as_ref().is_some_and(|column| columns.contains(&column.name)),
        };
        let readable: Vec<Path> = properties.iter().filter(is_readable).cloned().collect();
        let terms: Vec<String> = readable.iter().map(|path| field_sql(audience, path)).collect();
        Examples(Sample::read(audience, &terms, &readable))
    }

    /// The most frequent value, or element of an array, that has the property's type.
    fn placeholder(&self, audience: &Audience, path: &Path) -> Option<String> {
        let declared = audience.property_at(path)?;
        let values = self.0.as_ref()?.values(&field_sql(audience, path));
        let fitting = values.iter().filter(|(value, _)| Misfit::of(declared, value).is_none());
        let texts = fitting.filter_map(|(value, times)| Some((text_of(value, declared)?, *times)));
        let (text, _) =
            texts.min_by(|(one, often), (other, oftener)| (Reverse(often), one).cmp(&(Reverse(oftener), other)))?;
        Some(text)
    }
}

/// A value as users type it. They type a date, where it is stored as a number, too.
fn text_of(value: &Value, declared: PropertyType) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Number(number) => match stored::moment(value, declared) {
            Some(date) => Some(date.to_string()),
            None => Some(number.to_string()),
        },
        Value::Array(elements) => elements.iter().find_map(|element| text_of(element, declared)),
        Value::Null | Value::Bool(_) | Value::Object(_) => None,
    }
}

fn pairs(sql: &'static str, audience: &str) -> Vec<(String, String)> {
    query::rows(sql, &[audience.into()], |row| (row.get(1), row.get(2)))
}

const LABELS: &str = "
SELECT p.name, p.label FROM segments.property_config p
 WHERE p.audience OPERATOR(pg_catalog.=) $1 AND p.label IS NOT NULL";

const TOPICS: &str = "
SELECT t.slug, t.name FROM segments.topic_config t
 WHERE t.audience OPERATOR(pg_catalog.=) $1 ORDER BY t.name, t.slug";

const SEGMENTS: &str = "
SELECT s.name, s.name FROM segments.segment_config s
 WHERE s.audience OPERATOR(pg_catalog.=) $1 ORDER BY s.name";

const READABLE: &str = "
SELECT a.attname::pg_catalog.text
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) c.oid
 WHERE c.oid OPERATOR(pg_catalog.=) $1 AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped
   AND pg_catalog.has_schema_privilege(c.relnamespace, 'USAGE') AND pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT')";
