//! Columns in the queries that the extension writes: expressions that print and compare them.

use pgrx::spi::quote_identifier;
use segments_core::sql;

/// A column and the name of its type, qualified and quoted for a cast. For a domain, it is the type that the domain is
/// over.
#[derive(Clone)]
pub struct ColumnRef {
    pub name: String,
    pub type_name: String,
    /// The schema of the operators that order the type, unquoted
    pub operators: String,
    pub not_null: bool,
    pub is_enum: bool,
}

/// Enums are not cast to text or from text, because the owner of an enum can create casts, which would run with the
/// caller's rights.
impl ColumnRef {
    /// An expression for the text of a term of the column's type, equal to what [`Text`](crate::pg::text::Text) gives.
    /// Under [`with_fixed_output`](crate::pg::security::with_fixed_output) it is the same in every session. It runs no
    /// code of the type's owner.
    pub fn as_text(&self, term: &str) -> String {
        let type_name = self.type_name.as_str();
        let printed = |term: &str| format!("(pg_catalog.to_jsonb({term}) OPERATOR(pg_catalog.#>>) '{{}}')");
        match type_name {
            _ if self.is_enum => sql::label(&format!("{term}::{type_name}")),
            // Postgres quotes the name of this type because it is a keyword.
            "pg_catalog.date" | "pg_catalog.\"timestamp\"" => printed(term),
            "pg_catalog.timestamptz" => {
                let in_utc = printed(&format!("pg_catalog.timezone('UTC', {term})"));
                format!(
                    "CASE WHEN pg_catalog.isfinite({term})
                          THEN pg_catalog.replace({in_utc} OPERATOR(pg_catalog.||) '+00:00', ' BC+00:00', '+00:00 BC')
                          ELSE {in_utc} END"
                )
            }
            // A cast of an address to text always adds the netmask, while its output function leaves out the mask of a
            // single host.
            "pg_catalog.inet" => format!("pg_catalog.format('%s', {term})"),
            // Ids with different texts are different, even if the column's collation considers them equal.
            _ => format!("({term}::pg_catalog.text COLLATE pg_catalog.\"C\")"),
        }
    }

    /// Whether a cast to text gives what the type's output function writes, the same in every session, with the default
    /// collation.
    pub fn has_plain_text(&self) -> bool {
        let types = ["uuid", "int2", "int4", "int8", "numeric"];
        self.type_name.strip_prefix("pg_catalog.").is_some_and(|name| types.contains(&name))
    }

    /// Whether equal ids have equal texts, in types that are told to. For others nothing is known.
    pub fn has_one_text(&self) -> bool {
        let types = ["uuid", "int2", "int4", "int8", "text", "varchar", "date", "inet"];
        self.is_enum || self.type_name.strip_prefix("pg_catalog.").is_some_and(|name| types.contains(&name))
    }

    /// A condition that a term of the column's type equals the value of a text. Labels of enums are compared as text,
    /// which no index serves; but such a table has no more ids than the enum has labels.
    pub fn is(&self, term: &str, text: &str) -> String {
        if self.is_enum {
            format!("{} OPERATOR(pg_catalog.=) {text}", self.as_text(term))
        } else {
            format!("{term} {} {text}::{}", self.operator("="), self.type_name)
        }
    }

    /// Like [`is`](Self::is), for one of an array of texts.
    pub fn is_any(&self, term: &str, texts: &str) -> String {
        if self.is_enum {
            format!("{} OPERATOR(pg_catalog.=) ANY ({texts})", self.as_text(term))
        } else {
            format!("{term} {} ANY ({texts}::{}[])", self.operator("="), self.type_name)
        }
    }

    /// Like [`is_any`](Self::is_any), for a term of another type, which operators of this schema compare with the column's type.
    pub fn is_any_by(&self, operators: &str, term: &str, texts: &str) -> String {
        format!("{term} OPERATOR({}.=) ANY ({texts}::{}[])", quote_identifier(operators), self.type_name)
    }

    /// An operator between values of the column's type, with its schema. Without it another operator could be found,
    /// which means something else than the column's indexes: a citext is also a text.
    pub fn operator(&self, symbol: &str) -> String {
        format!("OPERATOR({}.{symbol})", quote_identifier(&self.operators))
    }

    /// The schema of the operators that compare the column with a column of another type.
    pub fn operators_with(&self, type_name: &str) -> &str {
        if self.type_name == type_name { &self.operators } else { "pg_catalog" }
    }
}
