//! A table with columns of every supported type and custom properties, filled at random, and conditions on it.

use crate::pg::query;

use crate::pg::spi::QueryText::Made;
use crate::tests::document;
use crate::tests::random::Random;
use segments_core::path::Path;
use segments_core::value::{Json, Value, key_order};
use values::*;

mod conditions;
mod values;

pub use conditions::random_condition;

/// A property: a column, or a key of the column `properties`.
pub struct Property {
    pub name: &'static str,
    kind: Kind,
    /// The column's type; `None` of a custom property
    column: Option<&'static str>,
    /// SQL literals of values to fill it with
    values: &'static [&'static str],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    String,
    /// Of citext: values are in lower case, since case counts in patterns and does not in comparisons
    Folded,
    Number,
    Boolean,
    Date,
    Timestamp,
    Json,
    Strings,
    /// Of arrays of citext: documents have them in lower case
    FoldedStrings,
    Numbers,
    Dates,
}

const fn column(name: &'static str, column: &'static str, kind: Kind, values: &'static [&'static str]) -> Property {
    Property { name, kind, column: Some(column), values }
}

const fn custom(name: &'static str, kind: Kind) -> Property {
    Property { name, kind, column: None, values: &[] }
}

const PROPERTIES: &[Property] = &[
    column("text_c", "text", Kind::String, STRINGS),
    column("Text needed", "text NOT NULL", Kind::String, STRINGS),
    column("varchar_c", "varchar(20)", Kind::String, STRINGS),
    column("char_c", "char(6)", Kind::String, SHORT),
    column("name_c", "name", Kind::String, STRINGS),
    column("posix_c", "text COLLATE \"POSIX\"", Kind::String, STRINGS),
    column("folded_c", "text COLLATE subject_folded", Kind::String, STRINGS),
    column("citext_c", "citext", Kind::Folded, &["''", "'a'", "'ab'", "'abc'", "'b'", "'é'", "'10'", "'a_b'"]),
    column("uuid_c", "uuid", Kind::String, UUIDS),
    column("enum_c", "subject_mood", Kind::String, LABELS),
    column("small_c", "smallint", Kind::Number, WHOLE),
    column("int_c", "integer", Kind::Number, WHOLE),
    column("int_needed", "integer NOT NULL", Kind::Number, WHOLE),
    column("big_c", "bigint", Kind::Number, WHOLE),
    column("numeric_c", "numeric", Kind::Number, NUMERIC),
    column("real_c", "real", Kind::Number, REAL),
    column("double_c", "double precision", Kind::Number, DOUBLE),
    column("domain_c", "subject_positive", Kind::Number, &["0", "1", "2", "1.5"]),
    column("boolean_c", "boolean", Kind::Boolean, BOOLEANS),
    column("date_c", "date", Kind::Date, DAYS),
    column("timestamp_c", "timestamp", Kind::Timestamp, INSTANTS),
    column("timestamptz_c", "timestamptz", Kind::Timestamp, INSTANTS),
    column("json_c", "json", Kind::Json, &[]),
    column("jsonb_c", "jsonb", Kind::Json, &[]),
    column("texts_c", "text[]", Kind::Strings, STRING_ARRAYS),
    column("chars_c", "char(4)[]", Kind::Strings, STRING_ARRAYS),
    column("names_c", "name[]", Kind::Strings, STRING_ARRAYS),
    column("uuids_c", "uuid[]", Kind::Strings, UUID_ARRAYS),
    column("labels_c", "subject_mood[]", Kind::Strings, LABEL_ARRAYS),
    column("citexts_c", "citext[]", Kind::FoldedStrings, FOLDED_ARRAYS),
    column("ints_c", "int[]", Kind::Numbers, NUMBER_ARRAYS),
    column("numerics_c", "numeric[]", Kind::Numbers, NUMBER_ARRAYS),
    column("doubles_c", "double precision[]", Kind::Numbers, FLOAT_ARRAYS),
    column("dates_c", "date[]", Kind::Dates, DAY_ARRAYS),
    column("timestamps_c", "timestamptz[]", Kind::Dates, INSTANT_ARRAYS),
    custom("string_p", Kind::String),
    custom("dotted\\.it's \"p\" \\\\", Kind::String),
    custom("number_p", Kind::Number),
    custom("boolean_p", Kind::Boolean),
    custom("date_p", Kind::Date),
    custom("timestamp_p", Kind::Timestamp),
    custom("json_p", Kind::Json),
    custom("strings_p", Kind::Strings),
    custom("numbers_p", Kind::Numbers),
    custom("dates_p", Kind::Dates),
];

impl Kind {
    fn declared(self) -> &'static str {
        match self {
            Kind::String | Kind::Folded => "string",
            Kind::Number => "number",
            Kind::Boolean => "boolean",
            Kind::Date => "date",
            Kind::Timestamp => "timestamp",
            Kind::Json => "json",
            Kind::Strings | Kind::FoldedStrings => "string[]",
            Kind::Numbers => "number[]",
            Kind::Dates => "date[]",
        }
    }

    fn is_array(self) -> bool {
        matches!(self, Kind::Strings | Kind::FoldedStrings | Kind::Numbers | Kind::Dates)
    }

    /// Of one value, JSON texts to compare it with or to store.
    fn operands(self) -> &'static [&'static str] {
        match self {
            Kind::String | Kind::Strings => &[
                r#""""#,
                r#""a""#,
                r#""A""#,
                r#""ab""#,
                r#""ab ""#,
                r#""abc""#,
                r#""b""#,
                r#""é""#,
                r#""z""#,
                r#""日本""#,
                r#""%""#,
                r#""_""#,
                r#""a_b""#,
                r#""a%""#,
                r#""\\""#,
                r#""a\\b""#,
                r#""x\ny""#,
                r#""10""#,
                r#""9""#,
                r#""it's""#,
                r#""ok""#,
                r#""Über""#,
                r#""a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11""#,
                r#""A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11""#,
                r#""0190a6c0""#,
                r#""a string that is longer than any column of characters takes, by far""#,
            ],
            Kind::Folded | Kind::FoldedStrings => &[
                r#""""#, r#""a""#, r#""ab""#, r#""AB""#, r#""b""#, r#""B""#, r#""é""#, r#""É""#, r#""10""#, r#""a_b""#,
                r#""zz""#,
            ],
            Kind::Number | Kind::Numbers => &[
                "0",
                "1",
                "-1",
                "1.5",
                "0.1",
                "-2.5",
                "2",
                "9.5",
                "10",
                "100",
                "-32768.5",
                "32767",
                "32768",
                "2147483648",
                "1e30",
                "9007199254740992",
                "9007199254740993",
                "1e-20",
                "16777216",
                "3.4028235e38",
                "3.5e38",
                "1.7976931348623157e308",
                "1e309",
                "5e-324",
                "1e-400",
                "0.30000000000000004",
                "0.3",
                "1e22",
                "-1e40",
            ],
            Kind::Boolean => &["true", "false"],
            Kind::Date | Kind::Timestamp | Kind::Dates => &[
                r#""2024-02-28""#,
                r#""2024-02-29""#,
                r#""2024-03-01""#,
                r#""2024-03-10""#,
                r#""2024-11-03""#,
                r#""2011-12-30""#,
                r#""2011-12-29""#,
                r#""2024-02-29T00:00:00Z""#,
                r#""2024-02-29T12:30:00Z""#,
                r#""2024-02-29T05:00:00""#,
                r#""2024-03-01T01:00:00+05:30""#,
                r#""2024-03-10T02:30:00""#,
                r#"{"$date": "2024-02-29"}"#,
                r#"{"$date": "2024-02-29T23:59:59.999999Z"}"#,
                r#"{"$date": 1709164800000}"#,
                r#"{"$now": "-3 days"}"#,
                r#"{"$today": "-1 day"}"#,
            ],
            Kind::Json => &["1", r#""a""#, "null", "[1]", "{}"],
        }
    }
}

/// The properties that this server can have: citext is an extension of its own, and ignoring case takes ICU.
fn properties() -> impl Iterator<Item = &'static Property> {
    let has = |sql: &'static str| query::first(Made(sql), &[], |row| row.get::<bool>(1)).unwrap_or(false);
    let citext = has("SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'citext')");
    let folded = has("SELECT EXISTS (SELECT FROM pg_collation WHERE collname = 'und-x-icu')");
    PROPERTIES.iter().filter(move |property| match property.name {
        "citext_c" | "citexts_c" => citext,
        "folded_c" => folded,
        _ => true,
    })
}

/// Makes the table and the audience `subject`, with so many rows.
pub fn create(random: &mut Random, rows: usize) {
    for statement in [
        "CREATE TYPE subject_mood AS ENUM ('sad', 'ok', 'happy', 'Über', '10')",
        "CREATE DOMAIN subject_positive AS numeric CHECK (VALUE >= 0)",
    ] {
        query::write(Made(statement), &[]);
    }
    for property in properties() {
        match property.name {
            "citext_c" => query::write(Made("CREATE EXTENSION IF NOT EXISTS citext"), &[]),
            "folded_c" => query::write(
                Made(
                    "CREATE COLLATION subject_folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
                ),
                &[],
            ),
            _ => 0,
        };
    }
    let columns = properties()
        .filter_map(|property| Some(format!("{} {}", pgrx::spi::quote_identifier(property.name), property.column?)));
    let columns: Vec<String> = columns.collect();
    query::write(
        &format!("CREATE TABLE subject (id integer PRIMARY KEY, properties jsonb, {})", columns.join(", ")),
        &[],
    );
    let columns: Vec<&Property> = properties().filter(|property| property.column.is_some()).collect();
    let rows: Vec<String> = (0..rows).map(|id| row(random, id, &columns)).collect();
    query::write(&format!("INSERT INTO subject VALUES {}", rows.join(", ")), &[]);
    query::write(Made("SELECT attach_audience('subject', 'subject', properties_column => 'properties')"), &[]);
    for property in PROPERTIES.iter().filter(|property| property.column.is_none()) {
        query::write(
            Made("SELECT create_property($1, $2, 'subject')"),
            &[property.name.into(), property.kind.declared().into()],
        );
    }
}

/// Indexes every scalar custom property.
pub fn index() {
    for property in PROPERTIES.iter().filter(|property| property.column.is_none()) {
        let function = match property.kind {
            Kind::String => "property_text",
            Kind::Number => "property_number",
            Kind::Boolean => "property_boolean",
            Kind::Date => "property_date",
            Kind::Timestamp => "property_timestamp",
            _ => continue,
        };
        let collation = if property.kind == Kind::String { "COLLATE \"C\"" } else { "" };
        let name = pgrx::spi::quote_literal(property.name);
        query::write(&format!("CREATE INDEX ON subject ({function}(properties, {name}) {collation})"), &[]);
    }
}

fn row(random: &mut Random, id: usize, columns: &[&Property]) -> String {
    let mut values = vec![id.to_string(), literal(custom_properties(random))];
    for property in columns {
        let is_needed = property.column.is_some_and(|column| column.ends_with("NOT NULL"));
        values.push(match property.kind {
            _ if !is_needed && random.percent(15) => "NULL".to_owned(),
            Kind::Json => literal(Some(document::value(random, 3))),
            _ => random.pick(property.values).to_owned(),
        });
    }
    format!("({})", values.join(", "))
}

fn literal(json: Option<Json>) -> String {
    json.map_or("NULL".to_owned(), |json| pgrx::spi::quote_literal(json.to_string()))
}

/// Mostly values of the declared types; sometimes others, nulls or nothing.
fn custom_properties(random: &mut Random) -> Option<Json> {
    if random.percent(4) {
        return None;
    }
    let mut members = Vec::new();
    for property in PROPERTIES.iter().filter(|property| property.column.is_none()) {
        let stored = |random: &mut Random| loop {
            // An operand that is a date has another form than a stored one.
            if let Ok(json) = Json::parse(random.pick(property.kind.operands()))
                && !matches!(json, Value::Object(_))
            {
                break json;
            }
        };
        let value = match random.below(100) {
            0..=14 => continue,
            15..=19 => Value::Null,
            20..=34 => document::value(random, 2),
            _ if property.kind == Kind::Json => document::value(random, 3),
            _ if property.kind.is_array() => Value::Array((0..random.below(4)).map(|_| stored(random)).collect()),
            _ => stored(random),
        };
        members.push((Path::parse(property.name).first().to_owned(), value));
    }
    Some(document::object_of(members))
}

/// The rows as documents: each column's value as the rules have it, and the custom properties beside them.
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
                    // A column that is NULL is missing; but a jsonb column may hold the null of JSON.
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
    /// The column's value as the rules have it, from how `to_jsonb` prints it.
    fn read(&self, value: Json) -> Json {
        match (self.kind, value) {
            (_, Value::Array(items)) if self.kind != Kind::Json => {
                // Of several dimensions, it is the list of its elements.
                Value::Array(items.into_iter().flat_map(|item| elements(self.read(item))).collect())
            }
            // No number, but something.
            (Kind::Number | Kind::Numbers, Value::String(text)) if text == "NaN" => {
                Value::Object(vec![("NaN".to_owned(), Value::Bool(true))])
            }
            // Beyond every other number.
            (Kind::Number | Kind::Numbers, Value::String(text)) => {
                document::number(if text == "Infinity" { "1e131071" } else { "-1e131071" })
            }
            // Beyond every day that an operand can name.
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
            // The padding is no part of the value.
            (_, Value::String(text)) if self.column.is_some_and(|column| column.starts_with("char")) => {
                Value::String(text.trim_end_matches(' ').to_owned())
            }
            (_, value) => value,
        }
    }
}

/// Of an array in an array its elements, else the element.
fn elements(item: Json) -> Vec<Json> {
    match item {
        Value::Array(items) => items,
        item => vec![item],
    }
}

/// Drops what [`create`] made.
pub fn drop() {
    for statement in [
        "SELECT detach_audience('subject')",
        "DROP TABLE subject",
        "DROP TYPE subject_mood",
        "DROP DOMAIN subject_positive",
        "DROP COLLATION IF EXISTS subject_folded",
    ] {
        query::write(Made(statement), &[]);
    }
}
