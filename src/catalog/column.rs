//! A column as queries that the extension makes name it and compare it.

use pgrx::spi::quote_identifier;
use segments_core::sql;

/// A column and its type, quoted and qualified as a cast takes it; of a domain, what it is over.
#[derive(Clone)]
pub struct ColumnRef {
    pub name: String,
    pub type_name: String,
    /// The schema of the operators that order the type, unquoted
    pub operators: String,
    pub not_null: bool,
    pub is_enum: bool,
}

/// The owner of an enum may have given it casts to text and from it, which would run with the rights of whoever asks.
impl ColumnRef {
    /// A term of the column's type, as text, as [`Text`](crate::pg::text::Text) has it: under
    /// [`with_fixed_output`](crate::pg::security::with_fixed_output) the same in every session. Nothing of the type's owner runs for it.
    pub fn as_text(&self, term: &str) -> String {
        let type_name = self.type_name.as_str();
        let printed = |term: &str| format!("(pg_catalog.to_jsonb({term}) OPERATOR(pg_catalog.#>>) '{{}}')");
        match type_name {
            _ if self.is_enum => sql::label(&format!("{term}::{type_name}")),
            // The type's name is a keyword, and so comes quoted.
            "pg_catalog.date" | "pg_catalog.\"timestamp\"" => printed(term),
            "pg_catalog.timestamptz" => {
                let in_utc = printed(&format!("pg_catalog.timezone('UTC', {term})"));
                format!(
                    "CASE WHEN pg_catalog.isfinite({term})
                          THEN pg_catalog.replace({in_utc} OPERATOR(pg_catalog.||) '+00:00', ' BC+00:00', '+00:00 BC')
                          ELSE {in_utc} END"
                )
            }
            // Cast, an address comes with the width of its network, which it does not where it is shown.
            "pg_catalog.inet" => format!("pg_catalog.format('%s', {term})"),
            // Two ids that are written otherwise are two texts, even if the column's collation takes them for one.
            _ => format!("({term}::pg_catalog.text COLLATE pg_catalog.\"C\")"),
        }
    }

    /// That a term of the column's type is the value that a text says. Labels are compared as text: a table has no more
    /// ids than its enum has labels, so that no index is missed.
    pub fn is(&self, term: &str, text: &str) -> String {
        if self.is_enum {
            format!("{} OPERATOR(pg_catalog.=) {text}", self.as_text(term))
        } else {
            format!("{term} {} {text}::{}", self.operator("="), self.type_name)
        }
    }

    /// As [`is`](Self::is), that it is one of an array of texts.
    pub fn is_any(&self, term: &str, texts: &str) -> String {
        if self.is_enum {
            format!("{} OPERATOR(pg_catalog.=) ANY ({texts})", self.as_text(term))
        } else {
            format!("{term} {} ANY ({texts}::{}[])", self.operator("="), self.type_name)
        }
    }

    /// An operator between values of the column's type. Of those of that name, not all mean what its indexes do: a
    /// citext is also a text.
    pub fn operator(&self, symbol: &str) -> String {
        format!("OPERATOR({}.{symbol})", quote_identifier(&self.operators))
    }

    /// The schema of the operators that compare the column with one of another type.
    pub fn operators_with(&self, type_name: &str) -> &str {
        if self.type_name == type_name { &self.operators } else { "pg_catalog" }
    }
}
