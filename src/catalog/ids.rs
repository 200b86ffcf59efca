//! The ids of contacts in the types that callers ask for.

use crate::catalog::audience::Audience;
use crate::pg::relcache;
use pgrx::pg_sys::{self, Oid};
use pgrx::spi::quote_identifier;

/// The ids of an audience's contacts, as queries return them.
pub struct Ids {
    column: String,
    /// The type of the column, which may be a domain
    type_id: Oid,
    is_enum: bool,
    as_text: String,
    as_value: String,
}

/// An expression for the ids in a type.
pub struct Value {
    pub sql: String,
    /// Whether it gives the same in every session
    pub is_alike: bool,
    /// Whether it may be evaluated for contacts that are no members
    pub never_raises: bool,
}

impl Ids {
    pub fn of(audience: &Audience) -> Self {
        let name = &audience.id.name;
        Ids {
            column: quote_identifier(name),
            type_id: relcache::column_type(audience.relation.oid, name),
            is_enum: audience.id.is_enum,
            as_text: audience.id.as_text(&quote_identifier(name)),
            as_value: audience.value(name),
        }
    }

    /// The ids in the type that a caller has chosen. They are unchanged in their own type. The text of an enum could be
    /// cast to that type only by code of the enum's owner.
    pub fn value(&self, chosen: Oid) -> Value {
        let (own, base) = (relcache::base_type(self.type_id), relcache::base_type(chosen));
        let (sql, is_alike, never_raises) = match base {
            _ if base == own => (&self.column, true, chosen == self.type_id || chosen == own),
            pg_sys::TEXTOID => (&self.as_text, self.is_enum || prints_alike(own), chosen == base),
            _ => (&self.as_value, !self.is_enum && is_integer(own), is_wider(own, chosen)),
        };
        Value { sql: format!("{sql}::{}", relcache::type_name(chosen)), is_alike, never_raises }
    }
}

/// Whether the text of a value is the same in every session, as `ColumnRef::as_text` writes it.
fn prints_alike(type_id: Oid) -> bool {
    let others = [
        pg_sys::UUIDOID,
        pg_sys::TEXTOID,
        pg_sys::VARCHAROID,
        pg_sys::BPCHAROID,
        pg_sys::NAMEOID,
        pg_sys::NUMERICOID,
        pg_sys::DATEOID,
        pg_sys::TIMESTAMPOID,
        pg_sys::TIMESTAMPTZOID,
    ];
    is_integer(type_id) || others.contains(&type_id)
}

fn is_integer(type_id: Oid) -> bool {
    [pg_sys::INT2OID, pg_sys::INT4OID, pg_sys::INT8OID].contains(&type_id)
}

/// Whether every value of the first type is one of the second.
fn is_wider(narrow: Oid, wide: Oid) -> bool {
    let by_width = [pg_sys::INT2OID, pg_sys::INT4OID, pg_sys::INT8OID, pg_sys::NUMERICOID];
    let place = |type_id: Oid| by_width.iter().position(|known| *known == type_id);
    is_integer(narrow) && place(wide) >= place(narrow)
}
