//! A table with columns of every supported type and custom properties, filled at random, and conditions on it.

use crate::pg::query;

use crate::pg::spi::QueryText::Made;
use crate::tests::document;
use crate::tests::random::Random;
use segments_core::path::Path;
use segments_core::value::{Json, Value};
use values::*;

mod conditions;
mod documents;
mod values;

pub use conditions::random_condition;
pub use documents::documents;

/// A property: a column, or a key of the column `properties`.
pub struct Property {
    pub name: &'static str,
    kind: Kind,
    /// The type of the column; `None` for a custom property
    column: Option<&'static str>,
    /// SQL literals of values to fill it with
    values: &'static [&'static str],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    String,
    /// citext. The values are in lower case, because the core sees strings, whose case counts
    Folded,
    Number,
    Boolean,
    Date,
    Timestamp,
    Json,
    Strings,
    /// Arrays of citext, which documents have in lower case
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

    /// JSON texts to compare one value with, or to store.
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

/// The properties that this server can have: citext is an extension, and a collation that ignores case needs ICU.
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

/// Creates the table and the audience `subject`, with this many rows.
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

/// Custom properties: mostly values of the declared types, sometimes other values, nulls or nothing.
fn custom_properties(random: &mut Random) -> Option<Json> {
    if random.percent(4) {
        return None;
    }
    let mut members = Vec::new();
    for property in PROPERTIES.iter().filter(|property| property.column.is_none()) {
        let stored = |random: &mut Random| loop {
            // A stored date is a string, not an object such as an operand may be.
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

/// Drops what [`create`] has created.
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
