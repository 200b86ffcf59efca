//! Whether a contact is a member of a segment, for many contacts one after another.
//!
//! A backend plans a query once for each segment, and again after any session has changed a definition or a table that
//! the condition reads. The query finds the contact by its id and evaluates the condition for its row.

use crate::api::segment::named;
use crate::catalog::access;
use crate::catalog::audience::Audience;
use crate::catalog::contact_sql::{can_be_id, executable_sql};
use crate::catalog::definition_cache::{Sources, Validity};
use crate::catalog::scope;
use crate::catalog::segment::{Definition, datum, id_of};
use crate::evaluate::condition;
use crate::pg::plan::KeptPlan;
use crate::pg::spi::connected;
use crate::pg::{query, security, snapshot, zone};
use lru::LruCache;
use pgrx::pg_sys::{Oid, TEXTOID};
use pgrx::prelude::*;
use pgrx::spi::quote_identifier;
use segments_core::date::Instant;
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::rc::Rc;
use uuid::Uuid;

/// Whether a contact is a member of a segment now.
#[pg_extern(sql = false)]
fn in_segment(contact_id: &str, segment: pgrx::Uuid) -> bool {
    let question = Asker::current().question(id_of(segment));
    can_be_id(contact_id, &question.id_type) && question.ask(contact_id)
}

/// Like [`in_segment`], for a segment that is given by its id or its name.
#[pg_extern(sql = false)]
fn in_segment_named(contact_id: &str, segment: &str) -> bool {
    in_segment(contact_id, datum(Asker::current().meant(segment)))
}

/// The query whether the contact with the id `$1` is a member of a segment.
struct Question {
    id_type: String,
    sql: String,
    plan: OnceCell<KeptPlan>,
    /// Whether the condition has dates that are relative to now. They are constants in the plan
    is_relative: bool,
}

impl Question {
    fn new(segment: &Definition) -> Self {
        let audience = Audience::load(&segment.audience);
        let checked = scope::check_segment(&audience, segment).unwrap_or_else(|errors| condition::raise_first(errors));
        let sql = format!(
            "SELECT EXISTS (SELECT 1 FROM {} WHERE {} AND ({}))",
            audience.relation.quoted(),
            audience.id.is(&quote_identifier(&audience.id.name), "$1"),
            executable_sql(&audience, &checked.checked)
        );
        let is_relative = checked.changes_at.or(audience.changes_at).is_some();
        Question { id_type: audience.id.type_name, sql, plan: OnceCell::new(), is_relative }
    }

    /// Runs the query with the rights of the current role. Postgres checks them whenever the plan is run.
    fn ask(&self, contact_id: &str) -> bool {
        let found = connected(|session| {
            let plan = self.plan.get_or_init(|| session.prepare_for_any(&self.sql, &[TEXTOID]));
            query::kept_rows(session, plan, &[contact_id.into()], |row| row.get::<bool>(1))
        });
        found.into_iter().next().unwrap_or(false)
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
struct Asker {
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
    fn current() -> Self {
        Asker { role: security::current_role(), snapshot: snapshot::identity(), now: zone::now() }
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

    /// The id of the segment that a text names.
    fn meant(self, reference: &str) -> Uuid {
        self.known(|allowed| allowed.meant.get(reference).copied()).unwrap_or_else(|| {
            let id = named::segment(reference);
            self.remember(|allowed| _ = allowed.meant.insert(reference.to_owned(), id));
            id
        })
    }

    /// The query for a segment, with the latest definition that is committed or made by this transaction. Raises 42704
    /// if the caller can see no segment with that id.
    fn question(self, segment: Uuid) -> Rc<Question> {
        if let Some(planned) = self.known(|allowed| allowed.questions.get(&segment).cloned())
            && planned.validity.holds()
        {
            return planned.question;
        }
        let planned = planned(Definition::load(segment));
        let question = planned.question.clone();
        self.remember(|allowed| _ = allowed.questions.insert(segment, planned));
        question
    }
}

fn planned(segment: Definition) -> PlannedQuestion {
    let known = QUESTIONS.with_borrow_mut(|questions| questions.get(&segment.id).cloned());
    if let Some(planned) = known
        && planned.validity.holds()
    {
        return planned;
    }
    let id = segment.id;
    let planned = security::as_role(access::extension_owner(), || snapshot::latest(|| compile(segment)));
    if !planned.question.is_relative {
        let before = QUESTIONS.with_borrow_mut(|questions| questions.push(id, planned.clone()));
        drop(before);
    }
    planned
}

fn compile(segment: Definition) -> PlannedQuestion {
    let validity = Validity::watch(|| {
        let audience = Audience::load(&segment.audience);
        Sources { audiences: vec![segment.audience.clone()], tables: audience.tables().collect() }
    });
    // The definition is read again, because it may have changed before it was watched.
    let question = Rc::new(Question::new(&Definition::load(segment.id)));
    PlannedQuestion { validity, question }
}
