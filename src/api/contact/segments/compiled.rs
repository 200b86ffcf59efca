//! The segments of an audience, compiled: how a contact's row is read, and all conditions put to it at once.

use super::by_query::SegmentsQuery;
use crate::catalog::audience::{Audience, Subscriptions};
use crate::catalog::segment::{Definition, datum};
use crate::catalog::visible::Reads;
use crate::catalog::{access, contact_sql, scope, subscription};
use crate::pg::plan::KeptPlan;
use crate::pg::query::Row;
use crate::pg::rows::RowProgram;
use crate::pg::spi::connected;
use crate::pg::{interrupt, query, relcache, row, security};
use pgrx::pg_sys::{Oid, TEXTOID};
use pgrx::spi::quote_identifier;
use segments_core::expr::{Atom, Checked, Expr};
use segments_core::program::Surroundings;
use segments_core::program_set::{Matches, ProgramSet};
use segments_core::row_conditions::{Columns, on_row};
use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// The conditions of relative segments as of now, of those that a contact may be a member of.
#[derive(Default)]
pub(super) struct Present {
    /// By the numbers of the segments; `None` if the segment is not valid any more
    conditions: BTreeMap<usize, Option<Checked>>,
    /// All of them, compiled, with the numbers of their segments
    compiled: Option<(Vec<usize>, Rc<RowProgram>)>,
    /// The query for relative segments that read relations
    query: OnceCell<Option<SegmentsQuery>>,
}

/// The compiled segments of an audience.
pub(super) struct AudienceSegments {
    pub(super) audience: Audience,
    pub(super) segments: Vec<Segment>,
    program: RowProgram,
    columns: Columns,
    /// The topics that the conditions ask for
    topics: Vec<String>,
    /// Whether conditions ask for the contact's bucket
    asks_bucket: bool,
    /// The query for the columns of a contact, and for which of the topics it is subscribed to
    sql: String,
    plan: OnceCell<KeptPlan>,
    /// The query for segments that read relations and are not relative
    query: Option<SegmentsQuery>,
    /// The numbers of segments that read relations and are relative
    relative_with_rows: Vec<usize>,
}

pub(super) struct Segment {
    pub(super) definition: Definition,
    /// The columns that it reads. The rights of each caller are checked for them
    pub(super) reads: Reads,
    /// Whether it has dates that are relative to now. If so, the program contains only the part of its condition that
    /// has none
    is_relative: bool,
}

impl AudienceSegments {
    pub(super) fn compile(name: &str) -> Self {
        let audience = Audience::load(name);
        let mut segments = Vec::new();
        let mut conditions = Vec::new();
        // The complete conditions of relative segments. The query must read their columns, too.
        let mut wholes = Vec::new();
        let (mut with_rows, mut relative_with_rows) = (Vec::new(), Vec::new());
        for definition in Definition::all(name) {
            let Ok(whole) = scope::check_segment(&audience, &definition) else { continue };
            let is_relative = whole.changes_at.is_some();
            if whole.checked.reads_rows() {
                let (number, reads) = (segments.len(), Reads::of(&audience, &whole.checked));
                match is_relative {
                    true => relative_with_rows.push(number),
                    false => with_rows.push((number, whole.checked)),
                }
                // The program finds no members of it.
                conditions.push(Expr::Const(false));
                segments.push(Segment { definition, reads, is_relative });
                continue;
            }
            let whole = contact_sql::restricted(&audience, &whole.checked);
            let lasting = if is_relative {
                let Ok(lasting) = scope::lasting_part(&audience, &definition) else { continue };
                contact_sql::restricted(&audience, &lasting)
            } else {
                whole.clone()
            };
            conditions.push(on_row(&lasting, &audience.table, row::fold));
            let reads = Reads::of(&audience, &whole);
            if is_relative {
                wholes.push(on_row(&whole, &audience.table, row::fold));
            }
            segments.push(Segment { definition, reads, is_relative });
        }
        let columns = Columns::of(conditions.iter().chain(&wholes), &audience.table);
        let topics = topics_of(conditions.iter().chain(&wholes));
        let program = program(&audience, &columns, &conditions);
        let asks_bucket = conditions.iter().chain(&wholes).any(Checked::asks_bucket);
        let sql = query_for(&audience, &columns, &topics, asks_bucket);
        let query = SegmentsQuery::new(&audience, with_rows);
        let plan = OnceCell::new();
        AudienceSegments {
            audience,
            segments,
            program,
            columns,
            topics,
            asks_bucket,
            sql,
            plan,
            query,
            relative_with_rows,
        }
    }

    pub(super) fn id(&self, number: usize) -> pgrx::Uuid {
        datum(self.segments[number].definition.id)
    }

    /// The numbers of the segments of a contact, read with the rights of the current role; none if there is no such
    /// contact.
    pub(super) fn of_contact(&self, contact_id: &str, present: &RefCell<Present>) -> Vec<usize> {
        if !contact_sql::can_be_id(contact_id, &self.audience.id.type_name) {
            return Vec::new();
        }
        let members = |row: &Row<'_>| {
            let held = row.get::<Vec<bool>>(self.columns.names.len() + 1);
            let topics = self.topics.iter().zip(held).filter(|(_, held)| *held);
            let topics: Vec<String> = topics.map(|(topic, _)| topic.clone()).collect();
            let id: Option<String> = if self.asks_bucket { row.nullable(self.columns.names.len() + 2) } else { None };
            let surroundings =
                Surroundings { interrupt: interrupt::check, topics: &topics, id: id.as_deref(), ..Surroundings::NONE };
            let mut matches = Matches::new();
            row.matching(&self.program, surroundings, &mut matches);
            let (relative, mut members): (Vec<usize>, Vec<usize>) =
                matches.iter().partition(|number| self.segments[*number].is_relative);
            if !relative.is_empty() {
                let (numbers, program) = self.present(&relative, &mut present.borrow_mut());
                row.matching(&program, surroundings, &mut matches);
                members.extend(
                    matches
                        .iter()
                        .map(|position| numbers[position])
                        .filter(|number| relative.binary_search(number).is_ok()),
                );
            }
            members
        };
        let look = || {
            connected(|session| {
                let plan = self.plan.get_or_init(|| session.prepare_for_any(&self.sql, &[TEXTOID]));
                query::kept_rows(session, plan, &[contact_id.into()], members)
            })
        };
        let found = if self.asks_bucket { security::with_fixed_output(look) } else { look() };
        // If several rows have the id, the contact is a member if one of them is.
        let mut found: BTreeSet<usize> = found.into_iter().flatten().collect();
        found.extend(self.query.iter().flat_map(|query| query.of_contact(contact_id)));
        if !self.relative_with_rows.is_empty() {
            let present = present.borrow();
            let query = present.query.get_or_init(|| self.query_as_of_now());
            found.extend(query.iter().flat_map(|query| query.of_contact(contact_id)));
        }
        found.into_iter().collect()
    }

    /// The query for relative segments that read relations, as of now.
    fn query_as_of_now(&self) -> Option<SegmentsQuery> {
        let present = |number: &usize| Some((*number, self.checked_now(*number)?));
        SegmentsQuery::new(&self.audience, self.relative_with_rows.iter().filter_map(present).collect())
    }

    /// A program with the conditions of these relative segments as of now, and perhaps of others, and the segments that
    /// it has.
    fn present(&self, relative: &[usize], present: &mut Present) -> (Vec<usize>, Rc<RowProgram>) {
        for number in relative {
            if !present.conditions.contains_key(number) {
                present.conditions.insert(*number, self.as_of_now(*number));
                present.compiled = None;
            }
        }
        let compile = || {
            let valid = present.conditions.iter().filter_map(|(number, condition)| Some((*number, condition.clone()?)));
            let (numbers, conditions): (Vec<usize>, Vec<Checked>) = valid.unzip();
            (numbers, Rc::new(program(&self.audience, &self.columns, &conditions)))
        };
        present.compiled.get_or_insert_with(compile).clone()
    }

    /// The condition of a relative segment as of now, as it is put to a row.
    fn as_of_now(&self, number: usize) -> Option<Checked> {
        let checked = contact_sql::restricted(&self.audience, &self.checked_now(number)?);
        Some(on_row(&checked, &self.audience.table, row::fold))
    }

    /// The condition of a relative segment as of now.
    fn checked_now(&self, number: usize) -> Option<Checked> {
        let check = || scope::check_segment(&self.audience, &self.segments[number].definition);
        Some(security::as_role(access::extension_owner(), check).ok()?.checked)
    }
}

fn program(audience: &Audience, columns: &Columns, conditions: &[Checked]) -> RowProgram {
    let types: Vec<Oid> = columns.names.iter().map(|name| relcache::column_type(audience.relation.oid, name)).collect();
    RowProgram::new(ProgramSet::compile(conditions), &columns.fields, columns.properties, |position| types[position])
}

fn topics_of<'c>(conditions: impl Iterator<Item = &'c Checked>) -> Vec<String> {
    let mut topics: Vec<String> = Vec::new();
    for condition in conditions {
        condition.for_each(&mut |atom| {
            if let Atom::Topic(topic) = atom
                && !topics.contains(topic)
            {
                topics.push(topic.clone());
            }
        });
    }
    topics
}

/// The query reads the contact's subscriptions once, however many topics there are.
fn query_for(audience: &Audience, columns: &Columns, topics: &[String], asks_bucket: bool) -> String {
    let row = quote_identifier(&audience.table.name);
    let id = quote_identifier(&audience.id.name);
    let mut read: Vec<String> = columns.names.iter().map(|name| format!("{row}.{}", quote_identifier(name))).collect();
    let mut from = format!("{} {row}", audience.relation.quoted());
    let held: Vec<String> = match (&audience.topics, &audience.table.topics) {
        (Subscriptions::In(_), Some(table)) if !topics.is_empty() => {
            from += &format!(
                " CROSS JOIN LATERAL ({}) \"segments.held\"",
                subscription::row_of_held(table, &format!("{row}.{id}"))
            );
            let is_held = |topic: &String| {
                contact_sql::sql_with_topics(
                    audience,
                    &Expr::Test(Atom::Topic(topic.clone())),
                    "\"segments.held\".topics",
                )
            };
            topics.iter().map(is_held).collect()
        }
        // Without a table there are no subscriptions.
        _ => topics.iter().map(|_| "false".to_owned()).collect(),
    };
    read.push(format!("ARRAY[{}]::pg_catalog.bool[]", held.join(", ")));
    read.extend(asks_bucket.then(|| audience.id.as_text(&format!("{row}.{id}"))));
    let is_asked = audience.id.is(&format!("{row}.{id}"), "$1");
    format!("SELECT {} FROM {from} WHERE {is_asked}", read.join(", "))
}

#[cfg(feature = "pg_test")]
#[pgrx::pg_schema]
mod tests {
    use super::{Columns, query_for};
    use crate::catalog::audience::Audience;
    use pgrx::prelude::*;

    /// Citus plans no subquery without a column, and no LATERAL subquery without FROM.
    #[pg_test]
    fn the_query_is_one_that_citus_plans() {
        crate::pg::query::write(&"SELECT create_contacts('people')".to_owned(), &[]);
        let sql = query_for(&Audience::load("people"), &Columns::default(), &["news".to_owned()], true);
        assert!(sql.contains("LATERAL (SELECT pg_catalog.array_agg("), "{sql}");
        assert!(!sql.contains("SELECT FROM"), "{sql}");
    }
}
