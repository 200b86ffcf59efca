//! The ids of a segment's members, for joins.
//!
//! The planner puts a query in the place of a call if it knows the segment. Otherwise the call runs the query, and returns
//! one id after the other where its caller lets it.

use crate::api::contact::members_of;
use crate::api::contact::membership::Asker;
use crate::api::segment::named;
use crate::catalog::audience::Audience;
use crate::catalog::contact_sql::executable_sql;
use crate::catalog::segment::{Definition, datum, id_of};
use crate::catalog::visible;
use crate::counting::cached::CachedCounts;
use crate::pg::call::Call;
use crate::pg::error::required;
use crate::pg::from_clause::{SetCall, SetQuery};
use crate::pg::substitution::Constant;
use crate::pg::{relcache, returning, security, snapshot, stream};
use pgrx::AnyElement;
use pgrx::pg_sys::{self, Oid};
use pgrx::prelude::*;
use pgrx::spi::quote_identifier;
use uuid::Uuid;

/// The ids of a segment's members, in the type that the caller chooses.
#[pg_extern(sql = false)]
fn segment_members(segment: Option<pgrx::Uuid>, call: Call) -> Option<AnyElement> {
    stream::next(call).unwrap_or_else(|| begin(id_of(required("segment", segment)), call))
}

/// Like [`segment_members`], for a segment that is given by its id or its name.
#[pg_extern(sql = false)]
fn segment_members_named(segment: Option<&str>, call: Call) -> Option<AnyElement> {
    stream::next(call).unwrap_or_else(|| begin(named::segment(required("segment", segment)), call))
}

fn begin(segment: Uuid, call: Call) -> Option<AnyElement> {
    let (audience, checked) = members_of(datum(segment));
    let value = Ids::of(&audience).value(call.return_type());
    let sql = format!(
        "SELECT {} FROM {} WHERE {}",
        value.sql,
        audience.relation.quoted(),
        executable_sql(&audience, &checked)
    );
    if value.is_alike && stream::is_possible(call) {
        stream::begin(call, &sql);
        return stream::next(call)?;
    }
    security::with_fixed_output(|| returning::rows(call, &sql, &[]));
    None
}

/// The query that the planner may put in the place of a call; `None` if the call must stay: then it answers, or raises,
/// when it is run.
pub fn query_for(call: &SetCall) -> Option<SetQuery> {
    let question = Asker::visible_question(&call.constant)?;
    let value = question.ids.value(call.type_id);
    let expression = value.sql;
    (value.is_alike && value.never_raises).then(|| SetQuery { expression, substitute: question.substitute.clone() })
}

/// How many members a segment had when they were counted; `None` if they were not, or if the caller may not see it.
pub fn count(segment: &Constant) -> Option<i64> {
    if !snapshot::is_active() {
        return None;
    }
    let segment = match segment {
        Constant::Uuid(id) => *id,
        Constant::Text(reference) => named::only(reference)?,
    };
    let definition = Definition::find(segment)?;
    let audience = Audience::try_load(&definition.audience).ok();
    let is_shown = visible::shows_count(audience.as_ref(), &definition);
    is_shown.then(|| CachedCounts::default().of(&definition))?
}

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
