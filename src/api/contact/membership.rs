//! Whether a contact is a member of a segment, for many contacts one after another.
//!
//! In a query on the audience's table, the planner puts the condition in the place of the call, if it knows the segment.
//! Otherwise a backend plans a query once for each segment, and again after any session has changed a definition or a
//! table that the condition reads. The query finds the contact by its id and evaluates the condition for its row.

use crate::api::contact::circle;
use crate::api::segment::named;
use crate::catalog::access::{self, Scope};
use crate::catalog::audience::Audience;
use crate::catalog::contact_sql::{
    can_be_id, complement_sql, executable_sql, executable_sql_for_one, reads_contacts, reads_whole_relations,
};
use crate::catalog::definition_cache::{Sources, Validity};
use crate::catalog::ids::Ids;
use crate::catalog::scope;
use crate::catalog::segment::{Definition, id_of, unknown};
use crate::catalog::table_tree;
use crate::evaluate::condition;
use crate::pg::error::Failure;
use crate::pg::plan::KeptPlan;
use crate::pg::spi::connected;
use crate::pg::substitution::{ColumnCall, Constant};
use crate::pg::written::{OfRows, Substitute};
use crate::pg::{query, relcache, security, snapshot, zone};
use lru::LruCache;
use pgrx::pg_sys::{Oid, TEXTOID};
use pgrx::prelude::*;
use pgrx::spi::quote_identifier;
use segments_core::date::Instant;
use segments_core::error::Error;
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::rc::Rc;
use uuid::Uuid;

/// Whether a contact is a member of a segment now.
#[pg_extern(sql = false)]
fn in_segment(contact_id: &str, segment: pgrx::Uuid) -> bool {
    is_member(contact_id, Asker::current().question(id_of(segment)))
}

/// Like [`in_segment`], for a segment that is given by its id or its name.
#[pg_extern(sql = false)]
fn in_segment_named(contact_id: &str, segment: &str) -> bool {
    let asker = Asker::current();
    let segment = asker.clone().meant(segment).unwrap_or_else(|| named::segment(segment));
    is_member(contact_id, asker.question(segment))
}

fn is_member(contact_id: &str, question: Result<Rc<Question>, Unusable>) -> bool {
    let question = question.unwrap_or_else(|unusable| unusable.raise());
    can_be_id(contact_id, &question.id_type) && question.ask(contact_id)
}

/// What the planner may put in the place of a call; `None` if it must stay: then it answers, or raises, when it is run.
pub fn substitute(call: &ColumnCall) -> Option<Rc<Substitute>> {
    let question = Asker::visible_question(&call.constant()?)?;
    circle::must_be_shallow(call.depth(), question.segment);
    let substitute = question.substitute.clone();
    let is_its = call.column()? == substitute.column
        && (call.table() == substitute.table || table_tree::is_part(call.table(), substitute.table));
    is_its.then_some(substitute)
}

/// The query whether the contact with the id `$1` is a member of a segment.
pub struct Question {
    segment: Uuid,
    audience: String,
    id_type: String,
    sql: String,
    plan: OnceCell<KeptPlan>,
    /// What answers the question for the rows of the table. Dates that are relative to now are constants in it, and in
    /// the query
    pub substitute: Rc<Substitute>,
    pub ids: Ids,
}

impl Question {
    fn new(segment: &Definition, definitions: &[Oid]) -> Result<Self, Unusable> {
        let audience = Audience::try_load(&segment.audience).map_err(Unusable::Otherwise)?;
        let checked = scope::check_segment(&audience, segment).map_err(Unusable::Condition)?;
        let condition = executable_sql(&audience, &checked.checked);
        let for_one = executable_sql_for_one(&audience, &checked.checked);
        let sql = format!(
            "SELECT EXISTS (SELECT 1 FROM {} WHERE {} AND ({}))",
            audience.relation.quoted(),
            audience.id.is(&quote_identifier(&audience.id.name), "$1"),
            for_one,
        );
        let substitute = Rc::new(Substitute {
            table: audience.relation.oid,
            alias: audience.table.name.clone(),
            column: audience.id.name.clone(),
            sql: condition,
            of_rows: checked.checked.reads_rows().then(|| OfRows {
                complement: complement_sql(&audience, &checked.checked),
                looked_up: reads_whole_relations(&audience, &checked.checked).then_some(for_one),
                finds_contact: reads_contacts(&audience, &checked.checked),
            }),
            sources: definitions.iter().copied().chain([audience.relation.oid]).collect(),
            is_never_null: audience.id.not_null,
            is_relative: checked.changes_at.or(audience.changes_at).is_some(),
        });
        let ids = Ids::of(&audience);
        let plan = OnceCell::new();
        let (segment, id_type) = (segment.id, audience.id.type_name);
        Ok(Question { segment, audience: audience.name, id_type, sql, plan, substitute, ids })
    }

    /// Runs the query with the rights of the current role. Postgres checks them whenever the plan is run. As in every
    /// STABLE function, the contact is as it was when the calling statement began: if what the statement has changed so
    /// far were seen, the answer would depend on the order of rows.
    fn ask(&self, contact_id: &str) -> bool {
        let ask = || {
            connected(|session| {
                let plan = self.plan.get_or_init(|| session.prepare_for_any(&self.sql, &[TEXTOID]));
                let ask = || query::kept_rows(session, plan, &[contact_id.into()], |row| row.get::<bool>(1));
                snapshot::of_statement(ask)
            })
        };
        let found = circle::reading(self.segment, ask);
        found.into_iter().next().unwrap_or(false)
    }
}

/// Why nothing can be asked about a segment.
pub enum Unusable {
    /// The condition is no longer valid
    Condition(Vec<Error>),
    Otherwise(Failure),
}

impl Unusable {
    fn raise(self) -> ! {
        match self {
            Unusable::Condition(errors) => condition::raise_first(errors),
            Unusable::Otherwise(failure) => failure.raise(),
        }
    }
}

#[derive(Clone)]
struct PlannedQuestion {
    validity: Rc<Validity>,
    question: Rc<Question>,
}

/// For how many segments a backend keeps the query.
const MOST_SEGMENTS: NonZeroUsize = NonZeroUsize::new(256).unwrap();

thread_local! {
    static QUESTIONS: RefCell<LruCache<Uuid, PlannedQuestion>> = RefCell::new(LruCache::new(MOST_SEGMENTS));
    static LAST: RefCell<Option<Allowed>> = const { RefCell::new(None) };
}

/// The role that asks, and the state of the database. While these are the same, the role's permissions are the same.
#[derive(Clone, PartialEq, Eq)]
pub struct Asker {
    role: Oid,
    snapshot: [u32; 5],
    now: Instant,
}

/// The queries that an asker may run, because its permissions have been checked.
struct Allowed {
    asker: Asker,
    questions: HashMap<Uuid, PlannedQuestion>,
    /// The segments by the texts that name them
    meant: HashMap<String, Uuid>,
}

impl Asker {
    pub fn current() -> Self {
        Asker { role: security::current_role(), snapshot: snapshot::identity(), now: zone::now() }
    }

    /// The query for a segment whose condition the caller may see; `None` if there is no such segment.
    pub fn visible_question(segment: &Constant) -> Option<Rc<Question>> {
        if !snapshot::is_active() {
            return None;
        }
        let asker = Asker::current();
        let segment = match segment {
            Constant::Uuid(id) => *id,
            Constant::Text(reference) => asker.clone().meant(reference)?,
        };
        let question = asker.question(segment).ok()?;
        // Whoever reads contacts may ask for the members, but EXPLAIN would show the condition.
        access::permits(&[Scope::ReadSegments, Scope::WriteSegments], &question.audience).then_some(question)
    }

    /// Looks something up that is known of this asker, if it was the last one.
    fn known<T>(&self, look: impl FnOnce(&Allowed) -> Option<T>) -> Option<T> {
        LAST.with_borrow(|last| look(last.as_ref().filter(|allowed| allowed.asker == *self)?))
    }

    fn remember(self, add: impl FnOnce(&mut Allowed)) {
        let last = LAST.take().filter(|allowed| allowed.asker == self);
        let mut allowed =
            last.unwrap_or_else(|| Allowed { asker: self, questions: HashMap::new(), meant: HashMap::new() });
        add(&mut allowed);
        LAST.set(Some(allowed));
    }

    /// The id of the segment that a text names; `None` if the text names none, or several.
    fn meant(self, reference: &str) -> Option<Uuid> {
        let known = self.known(|allowed| allowed.meant.get(reference).copied());
        known.or_else(|| {
            let id = named::only(reference)?;
            self.remember(|allowed| _ = allowed.meant.insert(reference.to_owned(), id));
            Some(id)
        })
    }

    /// The query for a segment, with the latest definition that is committed or made by this transaction.
    ///
    /// # Errors
    /// The caller can see no segment with that id, or its condition makes no sense any more.
    fn question(self, segment: Uuid) -> Result<Rc<Question>, Unusable> {
        if let Some(planned) = self.known(|allowed| allowed.questions.get(&segment).cloned())
            && planned.validity.holds()
        {
            return Ok(planned.question);
        }
        relcache::hear_of_changes();
        let definition = Definition::find(segment).ok_or_else(|| Unusable::Otherwise(unknown(segment)))?;
        let planned = planned(definition)?;
        let question = planned.question.clone();
        self.remember(|allowed| _ = allowed.questions.insert(segment, planned));
        Ok(question)
    }
}

fn planned(segment: Definition) -> Result<PlannedQuestion, Unusable> {
    let known = QUESTIONS.with_borrow_mut(|questions| questions.get(&segment.id).cloned());
    if let Some(planned) = known
        && planned.validity.holds()
    {
        return Ok(planned);
    }
    let id = segment.id;
    let planned = security::as_role(access::extension_owner(), || snapshot::latest(|| compile(segment)))?;
    if !planned.question.substitute.is_relative {
        let before = QUESTIONS.with_borrow_mut(|questions| questions.push(id, planned.clone()));
        drop(before);
    }
    Ok(planned)
}

fn compile(segment: Definition) -> Result<PlannedQuestion, Unusable> {
    let validity = Validity::watch(|| {
        let tables = Audience::try_load(&segment.audience).map(|audience| audience.tables_read().collect());
        Sources { audiences: vec![segment.audience.clone()], tables: tables.unwrap_or_default() }
    });
    // The definition is read again, because it may have changed before it was watched.
    let definition = Definition::find(segment.id).ok_or_else(|| Unusable::Otherwise(unknown(segment.id)))?;
    let question = Rc::new(Question::new(&definition, validity.definitions())?);
    Ok(PlannedQuestion { validity, question })
}
