//! The segments of a contact. The conditions of all segments of an audience are evaluated for its row at once.
//!
//! A backend compiles them when an audience is first asked about, and again after any session has changed a definition
//! or a table that they read.

use crate::api::contact::membership::Asker;
use crate::catalog::access::{self, Scope};
use crate::catalog::audience::Audience;
use crate::catalog::definition_cache::{Sources, Validity};
use crate::catalog::visible::Visible;
use crate::counting::cached::{self, CachedCounts};
use crate::pg::call::Call;
use crate::pg::error::required;
use crate::pg::kept_rows::KeptRows;
use crate::pg::{security, snapshot};
use lru::LruCache;
use pgrx::prelude::*;
use std::cell::RefCell;
use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::rc::Rc;

mod by_query;
mod compiled;

use compiled::{AudienceSegments, Present};

/// The segments that a contact is a member of now, newest first.
#[pg_extern(sql = false)]
fn contact_segments(contact_id: Option<&str>, audience: Option<&str>, call: Call) {
    let (contact_id, audience) = (required("contact_id", contact_id), required("audience", audience));
    let (mut nowhere, mut site) = (None, call.site(|| None::<Answers>));
    let answers = site.as_deref_mut().unwrap_or(&mut nowhere);
    let state = State { asker: Asker::current(), command: snapshot::latest_command() };
    let known = answers.take().filter(|known| known.state == state && known.audience == audience);
    if known.is_none() {
        // Before the segments are compiled, whose errors are only for those who may ask.
        access::must_have_audience(audience);
        access::require(Scope::ReadSegments, audience);
    }
    let segments = compiled(audience);
    let known = known.filter(|known| Rc::ptr_eq(&known.segments, &segments));
    let answers = answers.insert(known.unwrap_or_else(|| Answers::new(call, state, audience, segments.clone())));
    let members = snapshot::of_statement(|| segments.of_contact(contact_id, &answers.present));
    answers.learn(call, &members);
    let mut ids: Vec<pgrx::Uuid> = members.iter().map(|number| segments.id(*number)).collect();
    ids.sort_unstable_by(|a, b| b.as_bytes().cmp(a.as_bytes()));
    answers.rows.put(call, ids.iter());
}

/// The state of the database, and who asks. While these are the same, the answers are.
#[derive(PartialEq, Eq)]
struct State {
    asker: Asker,
    command: snapshot::Command,
}

/// What a call site has learnt of an audience. A query may ask about many contacts.
struct Answers {
    state: State,
    audience: String,
    segments: Rc<AudienceSegments>,
    counts: CachedCounts,
    visible: Visible,
    /// The segments that `rows` was read for, by their numbers
    learnt: HashSet<usize>,
    rows: KeptRows<pgrx::Uuid>,
    present: RefCell<Present>,
}

impl Answers {
    /// No answers yet.
    fn new(call: Call, state: State, audience: &str, segments: Rc<AudienceSegments>) -> Self {
        Answers {
            state,
            audience: audience.to_owned(),
            segments,
            counts: CachedCounts::default(),
            visible: Visible::default(),
            learnt: HashSet::new(),
            rows: KeptRows::new(call),
            present: RefCell::default(),
        }
    }

    /// Reads the rows of these segments, those that have not been read.
    fn learn(&mut self, call: Call, members: &[usize]) {
        let new: Vec<usize> = members.iter().copied().filter(|number| self.learnt.insert(*number)).collect();
        if new.is_empty() {
            return;
        }
        let segments = &self.segments;
        let ids: Vec<pgrx::Uuid> = new.iter().map(|number| segments.id(*number)).collect();
        let cached = self.counts.of_all(&self.audience, &ids);
        let mut count_of = |number: &usize| {
            let segment = &segments.segments[*number];
            let is_shown = self.visible.shows(&segments.audience, &segment.reads);
            is_shown.then(|| {
                let kept = cached.get(&segment.definition.id).copied();
                kept.or_else(|| cached::where_none_is_kept(&segments.audience, &segment.definition))
            })?
        };
        let counts: Vec<Option<i64>> = new.iter().map(&mut count_of).collect();
        security::as_role(access::extension_owner(), || {
            self.rows.read(call, SEGMENTS, &[ids.into(), counts.into()], ID);
        });
    }
}

// The rows of the view segments.segment. A role that may read segments of the audience may read all of them.
const SEGMENTS: &str = "
SELECT 'segment'::text, s.id, s.name, s.description, s.conditions::jsonb, s.audience, coalesce(s.time_zone, t.time_zone),
       u.contact_count, c.counted_at, s.created_at, s.updated_at
  FROM ROWS FROM (unnest($1), unnest($2)) u(id, contact_count)
  JOIN segments.segment_config s ON s.id = u.id
  LEFT JOIN segments.audience_config a ON a.name = s.audience
  LEFT JOIN segments.table_config t ON t.audience = a.source
  LEFT JOIN segments.segment_count c ON c.segment = s.id";
/// The column with the id among those of a row.
const ID: usize = 2;

/// For how many audiences a backend keeps the compiled segments.
const MOST_AUDIENCES: NonZeroUsize = NonZeroUsize::new(32).unwrap();

struct KeptAudience {
    validity: Rc<Validity>,
    segments: Rc<AudienceSegments>,
}

thread_local! {
    static AUDIENCES: RefCell<LruCache<String, KeptAudience>> = RefCell::new(LruCache::new(MOST_AUDIENCES));
}

/// The compiled segments of an audience, with the latest definitions that are committed or made by this transaction.
fn compiled(audience: &str) -> Rc<AudienceSegments> {
    let known = AUDIENCES.with_borrow_mut(|audiences| {
        audiences.get(audience).map(|entry| (entry.validity.clone(), entry.segments.clone()))
    });
    if let Some((validity, segments)) = known
        && validity.holds()
    {
        return segments;
    }
    security::as_role(access::extension_owner(), || snapshot::latest(|| compile(audience)))
}

fn compile(name: &str) -> Rc<AudienceSegments> {
    let validity = Validity::watch(|| {
        let audience = Audience::load(name);
        Sources { audiences: vec![name.to_owned()], tables: audience.tables_read().collect() }
    });
    let segments = Rc::new(AudienceSegments::compile(name));
    // A filter that depends on the time makes every condition depend on it, and a scope those that read the relation.
    if !segments.audience.is_relative() {
        let entry = KeptAudience { validity, segments: segments.clone() };
        let before = AUDIENCES.with_borrow_mut(|audiences| audiences.push(name.to_owned(), entry));
        drop(before);
    }
    segments
}
