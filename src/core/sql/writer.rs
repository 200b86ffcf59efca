//! Writes names, literals, operators and expressions.

use super::table::{ColumnKind, NativeColumn, QualifiedName};
use super::tree::{Infix, OneOf, SqlExpr, Symbol};

/// The style of the SQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Style {
    /// The style of names
    pub names: Names,
    /// The schema that the extension's type, operator and functions are in, unquoted
    pub extension_schema: String,
    /// The table's alias, unquoted, which columns are prefixed with; `None` for bare columns
    pub alias: Option<String>,
}

/// The style of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Names {
    /// For execution: every function, type and operator has its schema, so that nothing depends on `search_path`
    Qualified,
    /// For people: names in `pg_catalog` and in the schemas of the search path are bare
    Readable {
        /// The schemas of the search path, unquoted
        search_path: Vec<String>,
    },
}

#[derive(Clone, Copy)]
pub(super) struct Writer<'s>(pub &'s Style);

const CATALOG: &str = "pg_catalog";

impl Writer<'_> {
    fn is_qualified(self) -> bool {
        self.0.names == Names::Qualified
    }

    /// Whether names in the schema are bare.
    fn sees(self, schema: &str) -> bool {
        match &self.0.names {
            Names::Qualified => false,
            Names::Readable { search_path } => schema == CATALOG || search_path.iter().any(|visible| visible == schema),
        }
    }

    /// Writes a name, in quotes unless it needs none.
    pub(super) fn identifier(self, name: &str) -> String {
        let is_plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            && KEYWORDS.split(' ').all(|keyword| keyword != name);
        if is_plain && !self.is_qualified() { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
    }

    pub(super) fn column(self, name: &str) -> String {
        match &self.0.alias {
            Some(alias) => format!("{}.{}", self.identifier(alias), self.identifier(name)),
            None => self.identifier(name),
        }
    }

    pub(super) fn qualified(self, name: &QualifiedName) -> String {
        self.in_schema(&name.schema, self.identifier(&name.name))
    }

    /// Writes a name in `pg_catalog` that needs no quotes.
    pub(super) fn builtin(self, name: &str) -> String {
        if self.is_qualified() { format!("{CATALOG}.{name}") } else { name.to_owned() }
    }

    /// Writes a name in the extension's schema that needs no quotes.
    pub(super) fn own(self, name: &str) -> String {
        self.in_schema(&self.0.extension_schema, name.to_owned())
    }

    fn in_schema(self, schema: &str, name: String) -> String {
        if schema.is_empty() || self.sees(schema) { name } else { format!("{}.{name}", self.identifier(schema)) }
    }

    pub(super) fn c_collation(self) -> &'static str {
        if self.is_qualified() { "pg_catalog.\"C\"" } else { "\"C\"" }
    }

    /// The collation of the database.
    pub(super) fn default_collation(self) -> &'static str {
        if self.is_qualified() { "pg_catalog.\"default\"" } else { "\"default\"" }
    }

    /// The type of a column.
    pub(super) fn type_name(self, kind: &ColumnKind) -> String {
        // The name that people know, and the name in the catalog, which differs for types with an SQL keyword.
        let (readable, catalog) = match kind {
            ColumnKind::Enum { type_name, .. } => return self.qualified(type_name),
            ColumnKind::Citext { schema } => return self.in_schema(schema, "citext".to_owned()),
            ColumnKind::Array(element) => return format!("{}[]", self.type_name(element)),
            // The type `name` would cut a long literal to 63 bytes, so that columns of this type are compared with
            // text.
            ColumnKind::Text { .. } | ColumnKind::Name => ("text", "text"),
            ColumnKind::Varchar { .. } => ("varchar", "varchar"),
            ColumnKind::Char { .. } => ("bpchar", "bpchar"),
            ColumnKind::Uuid => ("uuid", "uuid"),
            ColumnKind::Inet => ("inet", "inet"),
            ColumnKind::SmallInt => ("smallint", "int2"),
            ColumnKind::Integer => ("integer", "int4"),
            ColumnKind::BigInt => ("bigint", "int8"),
            ColumnKind::Numeric => ("numeric", "numeric"),
            ColumnKind::Real => ("real", "float4"),
            ColumnKind::Double => ("double precision", "float8"),
            ColumnKind::Boolean => ("boolean", "bool"),
            ColumnKind::Date => ("date", "date"),
            ColumnKind::Timestamp => ("timestamp", "timestamp"),
            ColumnKind::TimestampTz => ("timestamptz", "timestamptz"),
            ColumnKind::Json => ("json", "json"),
            ColumnKind::Jsonb => ("jsonb", "jsonb"),
        };
        if self.is_qualified() { format!("{CATALOG}.{catalog}") } else { readable.to_owned() }
    }

    /// Writes the literal of a column's type that reads as `text`.
    pub(super) fn literal(self, kind: &ColumnKind, text: &str) -> String {
        let is_number = text.bytes().last().is_some_and(|byte| byte.is_ascii_digit());
        match kind {
            ColumnKind::Boolean => text.to_owned(),
            _ if self.is_qualified() => format!("{}::{}", quote(text), self.type_name(kind)),
            // Without a cast, Postgres would cut a name to 63 bytes, and widen a real to double precision.
            ColumnKind::Name | ColumnKind::Real => format!("{}::{}", quote(text), self.type_name(kind)),
            ColumnKind::Citext { schema } if !self.sees(schema) => format!("{}::{}", quote(text), self.type_name(kind)),
            kind if kind.is_number() && is_number => text.to_owned(),
            _ => quote(text),
        }
    }

    /// Writes `ARRAY['a', 'b']::text[]`; `None` is NULL.
    pub(super) fn array(self, element: &ColumnKind, texts: &[Option<String>]) -> String {
        let bare = |text: &Option<String>| match text {
            None => "NULL".to_owned(),
            Some(text) if *element == ColumnKind::Boolean => text.clone(),
            Some(text) if !self.is_qualified() && element.is_number() => text.clone(),
            Some(text) => quote(text),
        };
        let list: Vec<_> = texts.iter().map(bare).collect();
        format!("ARRAY[{}]::{}[]", list.join(", "), self.type_name(element))
    }

    /// Writes an array with the same elements that has one dimension and begins at 1. It is empty if the array is NULL.
    pub(super) fn flat(self, array: &str) -> String {
        let (element, unnest) = (self.identifier("element"), self.builtin("unnest"));
        format!("ARRAY(SELECT {element} FROM {unnest}({array}) AS {element})")
    }

    /// Writes a term's text as the output function of its type gives it.
    pub(super) fn printed(self, term: &str) -> String {
        format!("{}({}, {term})", self.builtin("format"), self.text("%s"))
    }

    /// Writes a term of another type, cast to text.
    pub(super) fn as_text(self, term: &str) -> String {
        format!("{term}::{}", self.builtin("text"))
    }

    /// Writes a column's value, of a type that has operators.
    pub(super) fn value(self, column: &NativeColumn) -> String {
        let value = self.column(&column.name);
        match &column.kind {
            kind @ ColumnKind::Enum { is_domain: true, .. } => format!("{value}::{}", self.type_name(kind)),
            _ => value,
        }
    }

    /// Writes a column's value as a built-in type. SQL for execution avoids the casts of an enum (see [`label`]).
    pub(super) fn plain(self, kind: &ColumnKind, term: &str) -> String {
        match kind {
            ColumnKind::Enum { .. } if self.is_qualified() => label(term),
            ColumnKind::Array(element) if self.is_qualified() && matches!(**element, ColumnKind::Enum { .. }) => {
                format!("{CATALOG}.textin({CATALOG}.array_out({term}))::{CATALOG}.text[]")
            }
            _ => term.to_owned(),
        }
    }

    /// Writes a column's value as a document has it.
    pub(super) fn seen(self, column: &NativeColumn) -> String {
        let term = self.value(column);
        match &column.kind {
            // The cast to text removes the padding, which is no part of the string.
            ColumnKind::Char { .. } => self.as_text(&term),
            ColumnKind::Array(element) => {
                let flat = self.flat(&term);
                let flat = match **element {
                    ColumnKind::Char { .. } => format!("{}[]", self.as_text(&flat)),
                    _ => self.plain(&column.kind, &flat),
                };
                // `ARRAY(SELECT …)` is never NULL.
                if column.not_null { flat } else { format!("CASE WHEN {term} IS NOT NULL THEN {flat} END") }
            }
            // A value of type json may not fit into jsonb.
            ColumnKind::Json => format!("{}({term})", self.own("property_json")),
            kind => self.plain(kind, &term),
        }
    }

    /// Writes a string of type text.
    pub(super) fn text(self, text: &str) -> String {
        self.literal(&ColumnKind::Text { deterministic: true }, text)
    }

    pub(super) fn integer(self, value: i32) -> String {
        self.literal(&ColumnKind::Integer, &value.to_string())
    }

    /// Writes the right operand of `@~`.
    pub(super) fn condition(self, text: &str) -> String {
        if self.is_qualified() { format!("{}::{}", quote(text), self.own("segment_condition")) } else { quote(text) }
    }

    /// `@~`
    pub(super) fn matches(self) -> Infix {
        Infix { symbol: Symbol::Matches, schema: Some(self.0.extension_schema.clone()) }
    }

    /// Writes an interval.
    pub(super) fn interval(self, text: &str) -> String {
        format!("{}::{}", quote(text), self.builtin("interval"))
    }

    /// Whether an operator needs no schema.
    pub(super) fn is_bare(self, operator: &Infix) -> bool {
        self.sees(operator.schema.as_deref().unwrap_or(CATALOG))
    }

    /// Writes an operator between two terms.
    pub(super) fn operator(self, operator: &Infix) -> String {
        let schema = operator.schema.as_deref().unwrap_or(CATALOG);
        match operator.symbol {
            symbol if !self.sees(schema) => {
                let schema = if schema == CATALOG { CATALOG.to_owned() } else { self.identifier(schema) };
                format!("OPERATOR({schema}.{})", symbol.name())
            }
            Symbol::Like => "LIKE".to_owned(),
            Symbol::NotLike => "NOT LIKE".to_owned(),
            Symbol::ILike => "ILIKE".to_owned(),
            Symbol::NotILike => "NOT ILIKE".to_owned(),
            symbol => symbol.name().to_owned(),
        }
    }

    /// Writes the expression, with no more parentheses than it needs.
    pub(super) fn write(self, sql: &SqlExpr) -> String {
        match sql {
            SqlExpr::Const(value) => value.to_string(),
            SqlExpr::And(parts) => {
                let parts: Vec<_> = parts.iter().map(|part| self.write_under_and(part)).collect();
                parts.join(" AND ")
            }
            SqlExpr::Or(parts) => {
                let parts: Vec<_> = parts.iter().map(|part| self.write(part)).collect();
                parts.join(" OR ")
            }
            SqlExpr::Not(inner) => format!("NOT {}", self.write_under_and(inner)),
            SqlExpr::Infix { left, operator, right } => format!("{left} {} {right}", self.operator(operator)),
            SqlExpr::IsNull(term) => format!("{term} IS NULL"),
            SqlExpr::IsNotNull(term) => format!("{term} IS NOT NULL"),
            SqlExpr::OneOf(one_of) => self.write_one_of(one_of),
            SqlExpr::Truth(term) => term.clone(),
        }
    }

    fn write_under_and(self, sql: &SqlExpr) -> String {
        match sql {
            SqlExpr::Or(_) => format!("({})", self.write(sql)),
            _ => self.write(sql),
        }
    }

    /// Writes `= ANY (array)` where the operator needs its schema, because `IN (…)` cannot name it.
    fn write_one_of(self, OneOf { term, operator, literals, array }: &OneOf) -> String {
        let is_positive = operator.symbol == Symbol::Eq;
        if self.sees(operator.schema.as_deref().unwrap_or(CATALOG)) {
            return format!("{term} {} ({})", if is_positive { "IN" } else { "NOT IN" }, literals.join(", "));
        }
        format!("{term} {} {} ({array})", self.operator(operator), if is_positive { "ANY" } else { "ALL" })
    }
}

/// The label of an enum value, as text. The owner of an enum may create casts to text and json for it, which would run
/// with the rights of the caller. Output functions cannot be replaced.
#[must_use]
pub fn label(term: &str) -> String {
    format!("{CATALOG}.textin({CATALOG}.enum_out({term}))")
}

/// Writes a string literal that reads as `text` whatever `standard_conforming_strings` is, as `quote_literal()` does.
pub(super) fn quote(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if text.contains('\\') { format!("E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

/// The keywords that cannot be names everywhere in Postgres 15 to 19: those of `src/include/parser/kwlist.h` that are
/// not unreserved.
const KEYWORDS: &str = "\
    all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both case \
    cast char character check coalesce collate collation column concurrently constraint create cross \
    current_catalog current_date current_role current_schema current_time current_timestamp current_user dec \
    decimal default deferrable desc distinct do else end except exists extract false fetch float for foreign \
    freeze from full grant greatest group grouping having ilike in initially inner inout int integer intersect \
    interval into is isnull join json json_array json_arrayagg json_exists json_object json_objectagg json_query \
    json_scalar json_serialize json_table json_value lateral leading least left like limit localtime \
    localtimestamp merge_action national natural nchar none normalize not notnull null nullif numeric offset on \
    only or order out outer overlaps overlay placing position precision primary real references returning right \
    row select session_user setof similar smallint some substring symmetric system_user table tablesample then \
    time timestamp to trailing treat trim true union unique user using values varchar variadic verbose when where \
    window with xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot \
    xmlserialize xmltable";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn identifier(names: Names, name: &str) -> String {
        Writer(&Style { names, extension_schema: "public".into(), alias: None }).identifier(name)
    }

    fn readable(name: &str) -> String {
        identifier(Names::Readable { search_path: vec![] }, name)
    }

    fn qualified(name: &str) -> String {
        identifier(Names::Qualified, name)
    }

    #[test]
    fn names_are_quoted_where_they_must_be() {
        for (name, expected) in [
            ("country", "country"),
            ("_x1", "_x1"),
            ("value", "value"),
            ("order", r#""order""#),
            ("json_table", r#""json_table""#),
            ("all", r#""all""#),
            ("xmltable", r#""xmltable""#),
            ("Country", r#""Country""#),
            ("1st", r#""1st""#),
            ("a$", r#""a$""#),
            ("größe", r#""größe""#),
            (r#"a"b"#, r#""a""b""#),
            ("", r#""""#),
        ] {
            assert_eq!(readable(name), expected);
        }
        assert_eq!(qualified("country"), r#""country""#);
    }

    #[test]
    fn strings_are_quoted_as_quote_literal_does() {
        for (text, expected) in [("US", "'US'"), ("it's", "'it''s'"), (r"a\b", r"E'a\\b'"), (r"\'", r"E'\\'''")] {
            assert_eq!(quote(text), expected);
        }
    }

    /// Reads the quoted text at the start of `sql` as Postgres's scanner does. Returns the text, and the rest of `sql`.
    /// Returns `None` if the result depends on `standard_conforming_strings`.
    fn scan(sql: &str, quote: char) -> Option<(String, &str)> {
        let (has_escapes, body) = match sql.strip_prefix('E') {
            Some(rest) => (true, rest),
            None => (false, sql),
        };
        let mut rest = body.strip_prefix(quote)?;
        let mut text = String::new();
        loop {
            let mut characters = rest.chars();
            let character = characters.next()?;
            let is_backslash = character == '\\' && quote == '\'';
            if character == quote && !characters.as_str().starts_with(quote) {
                return Some((text, characters.as_str()));
            }
            if is_backslash && !has_escapes {
                return None;
            }
            text.push(if is_backslash || character == quote { characters.next()? } else { character });
            rest = characters.as_str();
        }
    }

    proptest! {
        #[test]
        fn no_string_ends_its_literal(text in r#"([\\'"%E]|\PC){0,12}"#) {
            let sql = format!("{} OR true", quote(&text));
            prop_assert_eq!(scan(&sql, '\''), Some((text, " OR true")));
        }

        #[test]
        fn no_name_ends_its_quotes(name in r#"([\\'"]|\PC){0,12}"#) {
            let sql = format!("{} OR true", qualified(&name));
            prop_assert_eq!(scan(&sql, '"'), Some((name.clone(), " OR true")));
            let sql = readable(&name);
            let is_read = sql == name || scan(&sql, '"') == Some((name, ""));
            prop_assert!(is_read, "{}", sql);
        }
    }
}
