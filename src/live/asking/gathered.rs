//! Segments of which contacts are members by their own row and by what is gathered of their rows in relations. Two or three
//! plain queries read these rows for all segments at once, and the compiled conditions decide here.

use crate::catalog::audience::{Audience, OtherRows, RelatedRows, TOPICS};
use crate::catalog::contact_sql;
use crate::live::eligibility::LiveSegment;
use crate::pg::plan::KeptPlan;
use crate::pg::rows::{RowProgram, RowReader};
use crate::pg::spi::{Reading, Session};
use crate::pg::tuple::Tuple;
use crate::pg::{interrupt, relcache, row};
use pgrx::datum::DatumWithOid;
use pgrx::pg_sys::{Oid, TEXTARRAYOID};
use pgrx::spi::quote_identifier;
use segments_core::expr::{Checked, RowsTest};
use segments_core::path::Path;
use segments_core::program::Surroundings;
use segments_core::program_set::{Matches, ProgramSet};
use segments_core::relation_program::{AskedRows, ContactRows, RelationProgram, copy_answers};
use segments_core::row_conditions::{Columns, on_row};
use segments_core::sql::{self, ContactKey, RowsRead};
use std::cell::{OnceCell, RefCell};
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// Compiled segments of an audience that do not ask for subscriptions.
pub struct GatheredSegments {
    /// By the numbers of conditions, the positions of the segments
    positions: Vec<usize>,
    program: RowProgram,
    contacts: Query,
    relations: Vec<GatheredRelation>,
    /// How many words the answers about a contact have
    words: usize,
}

/// A relation whose rows the conditions ask for.
struct GatheredRelation {
    name: String,
    program: RelationProgram,
    reader: RowReader,
    rows: Query,
    /// The place of its answers among those of all relations
    words: Range<usize>,
}

/// A query. Its argument is an array of ids as text; the last column of its result is the id as text.
struct Query {
    sql: String,
    plan: OnceCell<KeptPlan>,
    last: usize,
}

/// How many contacts are evaluated at once. A few numbers are held in memory for each test of their rows.
const CONTACTS_AT_ONCE: usize = 5_000;
/// How many rows of relations are fetched at once.
const ROWS_AT_ONCE: usize = 1_000;

const SURROUNDINGS: Surroundings<'static> = Surroundings { interrupt: interrupt::check, ..Surroundings::NONE };

impl GatheredSegments {
    /// `None` if there are none.
    pub fn new(audience: &Audience, segments: &[LiveSegment]) -> Option<Self> {
        let related: HashMap<&str, &RelatedRows> = audience
            .others()
            .filter_map(|other| match other.rows {
                OtherRows::Of(related) => Some((other.name, related)),
                OtherRows::Topics(_) => None,
            })
            .collect();
        let is_here = |name: &String| name != TOPICS && related.contains_key(name.as_str());
        let is_gathered = |position: &usize| segments[*position].asks_for.iter().all(is_here);
        let positions: Vec<usize> = (0..segments.len()).filter(is_gathered).collect();
        if positions.is_empty() {
            return None;
        }
        let adapted = |position: &usize| {
            let condition = contact_sql::restricted(audience, &segments[*position].checked);
            on_row(&condition, &audience.table, row::fold)
        };
        let conditions: Vec<Checked> = positions.iter().map(adapted).collect();
        let asked = AskedRows::of(&conditions);
        let gathered = |name| GatheredRelation::new(audience, related.get(name)?, name, &asked);
        let relations: Vec<GatheredRelation> = asked.relations().filter_map(gathered).collect();
        let columns = Columns::of(&conditions, &audience.table);
        let set = ProgramSet::compile_with_rows(&conditions, &asked.numbers());
        let type_of = types_of(audience.relation.oid, &columns);
        Some(GatheredSegments {
            words: relations.iter().map(|relation| relation.words.end).max().unwrap_or(0),
            program: RowProgram::new(set, &columns.fields, columns.properties, type_of),
            contacts: Query::of_contacts(audience, &columns),
            positions,
            relations,
        })
    }

    /// Whether the segment with this position is one of them.
    pub fn has(&self, position: usize) -> bool {
        self.positions.binary_search(&position).is_ok()
    }

    /// Calls `found` with the position of each segment, and each of the contacts that is its member in the active snapshot.
    /// Others than the concerned segments, which ask for these relations, are left out.
    pub fn members(
        &self,
        session: &Session,
        contacts: &[String],
        concerned: &HashSet<usize>,
        asks_for: &HashSet<&str>,
        mut found: impl FnMut(usize, &str),
    ) {
        let is_concerned: Vec<bool> = self.positions.iter().map(|position| concerned.contains(position)).collect();
        if !is_concerned.contains(&true) {
            return;
        }
        for some in contacts.chunks(CONTACTS_AT_ONCE) {
            let arguments = [some.to_vec().into()];
            let mut answers = Answers { none: vec![0; self.words].into(), of: HashMap::new() };
            for relation in self.relations.iter().filter(|relation| asks_for.contains(relation.name.as_str())) {
                relation.gather(session, &arguments, &mut answers);
            }
            let state = RefCell::new((Matches::new(), &mut found));
            session.run(self.contacts.plan(session), &arguments, Reading::Active, |row| {
                let (matches, found) = &mut *state.borrow_mut();
                let Some(id) = row.get::<String>(self.contacts.last) else { return };
                let surroundings = Surroundings { id: Some(&id), rows: answers.about(&id), ..SURROUNDINGS };
                self.program.matching_tuple(row, surroundings, matches);
                for number in matches.iter().filter(|number| is_concerned[*number]) {
                    found(self.positions[number], &id);
                }
            });
        }
    }
}

/// What rows answer about contacts.
struct Answers {
    /// About contacts without rows
    none: Box<[u64]>,
    of: HashMap<String, Box<[u64]>>,
}

impl Answers {
    fn about(&self, contact: &str) -> &[u64] {
        self.of.get(contact).unwrap_or(&self.none)
    }

    fn add(&mut self, contact: String, words: Range<usize>, bits: &[u8]) {
        let all = self.of.entry(contact).or_insert_with(|| self.none.clone());
        copy_answers(bits, &mut all[words]);
    }
}

impl GatheredRelation {
    fn new(audience: &Audience, related: &RelatedRows, name: &str, asked: &AskedRows<'_>) -> Option<Self> {
        let relation = audience.table.relation(name)?;
        let tests: Vec<RowsTest> = asked.tests(name).iter().map(|test| (*test).clone()).collect();
        let paths: Vec<&Path> = tests.iter().flat_map(|test| test.paths()).collect();
        let mut columns = Columns::default();
        columns.add_paths(paths, &relation.rows);
        let program = RelationProgram::compile(&tests);
        let type_of = types_of(related.rows.relation.oid, &columns);
        let is_asked = |term: &str| match &related.contact {
            _ if audience.id.is_enum => related.rows.id.is_any(term, "$1"),
            ContactKey::AsText => format!("{term} OPERATOR(pg_catalog.=) ANY ($1)"),
            ContactKey::Equals { operators } => audience.id.is_any_by(operators, term, "$1"),
        };
        let read = RowsRead {
            columns: &columns.names,
            whose: &|term| related.rows.id.as_text(term),
            is_asked: &is_asked,
            in_order: tests.iter().any(RowsTest::is_ordered),
        };
        let (first, words) = asked.words(name);
        Some(GatheredRelation {
            name: name.to_owned(),
            reader: RowReader::new(program.keys(), &columns.fields, columns.properties, type_of),
            program,
            rows: Query::new(audience, &sql::rows_read(relation, &read, &audience.table, &audience.style()), &columns),
            words: first..first + words,
        })
    }

    /// Adds what the rows of the contacts answer.
    fn gather(&self, session: &Session, arguments: &[DatumWithOid<'_>], answers: &mut Answers) {
        let gathered = RefCell::new((Matches::new(), HashMap::<String, ContactRows>::new()));
        let mut cursor = session.open_cursor(self.rows.plan(session), arguments);
        let add = |row: &Tuple| {
            let (matches, of) = &mut *gathered.borrow_mut();
            let Some(contact) = row.get::<String>(self.rows.last) else { return };
            let rows = of.entry(contact).or_default();
            self.reader.read_tuple(row, matches, |found, matches| self.program.add(rows, found, SURROUNDINGS, matches));
        };
        while cursor.next(ROWS_AT_ONCE, add).len() == ROWS_AT_ONCE {}
        drop(cursor);
        for (contact, mut rows) in gathered.into_inner().1 {
            let bits = self.program.answers(&mut rows, SURROUNDINGS);
            answers.add(contact, self.words.clone(), &bits);
        }
    }
}

impl Query {
    fn new(audience: &Audience, sql: &str, columns: &Columns) -> Self {
        Query { sql: audience.reading(sql), plan: OnceCell::new(), last: columns.names.len() + 1 }
    }

    fn of_contacts(audience: &Audience, columns: &Columns) -> Self {
        let column = |name: &String| format!("o.{}", quote_identifier(name));
        let id = column(&audience.id.name);
        let selected: Vec<String> = columns.names.iter().map(column).chain([audience.id.as_text(&id)]).collect();
        let (selected, contacts) = (selected.join(", "), audience.relation.quoted());
        let sql = format!("SELECT {selected} FROM {contacts} o WHERE {}", audience.id.is_any(&id, "$1"));
        Query::new(audience, &sql, columns)
    }

    fn plan(&self, session: &Session) -> &KeptPlan {
        self.plan.get_or_init(|| session.prepare_for_any(&self.sql, &[TEXTARRAYOID]))
    }
}

fn types_of(table: Oid, columns: &Columns) -> impl Fn(usize) -> Oid {
    move |position| relcache::column_type(table, &columns.names[position])
}
