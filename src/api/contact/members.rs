//! The ids of a segment's members, for joins.
//!
//! The planner puts a query in the place of a call if it knows the segment. Otherwise the call runs the query, and returns
//! one id after the other where its caller lets it.

use crate::api::contact::membership::Asker;
use crate::api::contact::{circle, members_of};
use crate::api::segment::named;
use crate::catalog::audience::Audience;
use crate::catalog::contact_sql::executable_sql;
use crate::catalog::ids::Ids;
use crate::catalog::segment::{Definition, datum, id_of};
use crate::catalog::visible;
use crate::counting::cached::CachedCounts;
use crate::pg::call::Call;
use crate::pg::calls::SetCall;
use crate::pg::error::{Failure, required};
use crate::pg::sub_select::SetQuery;
use crate::pg::substitution::Constant;
use crate::pg::{relcache, returning, security, snapshot, stream};
use pgrx::prelude::*;
use pgrx::{AnyElement, PgSqlErrorCode};
use uuid::Uuid;

/// The ids of a segment's members, in the type that the caller chooses.
#[pg_extern(sql = false)]
fn segment_members(segment: Option<pgrx::Uuid>, call: Call) -> Option<AnyElement> {
    next(call, || id_of(required("segment", segment)))
}

/// Like [`segment_members`], for a segment that is given by its id or its name.
#[pg_extern(sql = false)]
fn segment_members_named(segment: Option<&str>, call: Call) -> Option<AnyElement> {
    next(call, || named::segment(required("segment", segment)))
}

fn next(call: Call, segment: impl FnOnce() -> Uuid) -> Option<AnyElement> {
    stream::next(call).unwrap_or_else(|| {
        let segment = segment();
        circle::reading(segment, || begin(segment, call))
    })
}

/// Begins to return the ids as they were when the calling statement began: a query in the place of the call would not see
/// what the statement has changed so far.
fn begin(segment: Uuid, call: Call) -> Option<AnyElement> {
    if relcache::is_row_type(call.return_type()) {
        Failure::new(PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH, "ids of contacts are not rows")
            .detail(format!("id_type is of type {}.", relcache::type_name(call.return_type())))
            .hint("Pass a value of the ids' own type, such as NULL::bigint, or leave id_type out for text.")
            .raise()
    }
    let (audience, checked) = members_of(datum(segment));
    let value = Ids::of(&audience).value(call.return_type());
    let sql = format!(
        "SELECT {} FROM {} WHERE {}",
        value.sql,
        audience.relation.quoted(),
        executable_sql(&audience, &checked)
    );
    if value.is_alike && stream::is_possible(call) {
        snapshot::of_statement(|| stream::begin(call, &sql));
        return stream::next(call)?;
    }
    snapshot::of_statement(|| security::with_fixed_output(|| returning::rows(call, &sql, &[])));
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
