//! Whom statements on another table concern, and locking these contacts.

use super::Found;
use crate::catalog::audience::{Audience, Other, OtherRows};
use crate::catalog::column::ColumnRef;
use crate::catalog::contact_sql;
use crate::live::eligibility::LiveSegment;
use crate::live::touched::Touched;
use crate::pg::plan::KeptPlan;
use crate::pg::relcache::Presence;
use crate::pg::spi::connected;
use crate::pg::text::Text;
use crate::pg::transition::TableProgram;
use crate::pg::trigger::{self, Statement};
use crate::pg::{interrupt, query, row};
use pgrx::pg_sys::{Oid, TEXTARRAYOID};
use pgrx::spi::quote_identifier;
use segments_core::expr::{Atom, Checked, DocumentTest, Expr, FieldTest, ValueTest};
use segments_core::path::Path;
use segments_core::program::Surroundings;
use segments_core::program_set::{Matches, ProgramSet};
use segments_core::row_conditions::{Columns, on_row};
use segments_core::sql::{self as core_sql, ContactKey, ContactTable};
use segments_core::value::Value;
use std::cell::OnceCell;
use std::collections::HashSet;
use uuid::Uuid;

/// Whom statements on another table concern.
pub struct RowsConcern {
    program: TableProgram,
    /// The column that says whose a row is
    contact: (usize, Text),
    contact_column: ColumnRef,
    /// The table as conditions on its rows need it
    table: ContactTable,
    /// What a row satisfies that may matter to any segment
    condition: Checked,
    /// By the numbers of conditions
    segments: Vec<Uuid>,
    lock: String,
    plan: OnceCell<KeptPlan>,
    /// Texts that are no ids are left out, where the column is text and ids are of this type
    id_type: Option<String>,
    presence: Presence,
    precedes: Precedes,
}

/// When a row may be written although a contact with its id is not there yet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Precedes {
    /// In sessions whose foreign keys are off
    InReplicas,
    /// Whenever there is none
    Missing,
    /// Always: ids are not unique, so beside those that are there another one may come
    Any,
}

impl RowsConcern {
    /// `table` is the other table or a part of it. `None` if no segment asks for it, or a column is missing.
    pub fn new(table: Oid, audience: &Audience, other: &Other<'_>, segments: &[LiveSegment]) -> Option<Self> {
        let segments: Vec<&LiveSegment> =
            segments.iter().filter(|segment| segment.asks_for.contains(other.name)).collect();
        let (rows, key, contact) = match &other.rows {
            OtherRows::Of(related) => (related.rows.table.clone(), related.contact.clone(), related.rows.id.clone()),
            OtherRows::Topics(topics) => {
                let columns = crate::catalog::columns::read(other.relation.oid);
                let contact = columns.iter().find(|column| column.name == topics.contact_column)?.to_ref();
                let rows = ContactTable { columns: vec![topics.topic_column.clone()], ..ContactTable::default() };
                (rows, ContactKey::Equals { operators: topics.operators.clone() }, contact)
            }
        };
        let concern = |segment: &&LiveSegment| {
            let concern = concern_of(other, &contact_sql::restricted(audience, &segment.checked));
            concern.try_map(&mut |test| Some(Atom::from(test.clone()))).unwrap_or(Expr::Const(true))
        };
        let concerns: Vec<Checked> = segments.iter().map(concern).collect();
        let conditions: Vec<Checked> = concerns.iter().map(|concern| on_row(concern, &rows, row::fold)).collect();
        let mut columns = Columns::of(&conditions, &rows);
        for segment in &segments {
            for name in read_of(audience, other, &segment.checked) {
                columns.position(&name);
            }
        }
        let position = columns.position(&contact.name);
        let program =
            (!segments.is_empty()).then(|| TableProgram::new(table, &columns, ProgramSet::compile(&conditions)))??;
        Some(RowsConcern {
            contact: (position, program.text_of(position)),
            program,
            table: rows,
            condition: Expr::or(concerns),
            segments: segments.iter().map(|segment| segment.id).collect(),
            lock: lock(audience, &key, &contact),
            plan: OnceCell::new(),
            id_type: (key == ContactKey::AsText).then(|| audience.id.type_name.clone()),
            presence: Presence(audience.relation.oid),
            precedes: Precedes::of(audience, other, &contact),
            contact_column: contact,
        })
    }

    pub fn contact_column(&self) -> &ColumnRef {
        &self.contact_column
    }

    pub fn table(&self) -> &ContactTable {
        &self.table
    }

    /// What a row satisfies that may matter to any segment.
    pub fn condition(&self) -> &Checked {
        &self.condition
    }

    /// Whose rows a statement changes in a way that may matter, by the texts in the contact column, and to which segments.
    pub fn find(&self, statement: Statement) -> Touched {
        let mut matches = Matches::new();
        let mut found = Found::new(self.segments.len());
        let (position, text) = &self.contact;
        self.program.each(statement, |old, new| {
            if matches!((&old, &new), (Some(old), Some(new)) if old.is_like(new)) {
                return;
            }
            for row in [old, new].into_iter().flatten() {
                row.matching(Surroundings { interrupt: interrupt::check, ..Surroundings::NONE }, &mut matches);
                if matches.iter().next().is_some()
                    && let Some(contact) = row.text(*position, text)
                {
                    found.add(contact, matches.iter());
                }
            }
        });
        let mut touched = Touched::default();
        found.into_touched(&self.segments, &mut touched);
        touched
    }

    /// Locks the contacts that rows belong to, and returns them in the place of the texts.
    pub fn lock(&self, mut rows: Touched) -> Touched {
        if let Some(id_type) = &self.id_type {
            rows.contacts.retain(|text| contact_sql::can_be_id(text, id_type));
        }
        if rows.contacts.is_empty() {
            return Touched::default();
        }
        let asked: Vec<String> = rows.contacts.into_iter().collect();
        let contacts = connected(|session| {
            let plan = self.plan.get_or_init(|| session.prepare_for_any(&self.lock, &[TEXTARRAYOID]));
            let lock = || -> HashSet<String> {
                let ids = session.run_latest(plan, &[asked.clone().into()], |row| row.get::<String>(1));
                ids.into_iter().flatten().collect()
            };
            let locked = lock();
            let may_precede = match self.precedes {
                Precedes::InReplicas => locked.len() < asked.len() && trigger::is_replica(),
                Precedes::Missing => locked.len() < asked.len(),
                Precedes::Any => true,
            };
            if !may_precede {
                return locked;
            }
            // If another transaction has inserted the contact and not committed yet, this waits for it, and the second run
            // finds the contact. If the contact is inserted later, it is counted with this row then.
            self.presence.miss();
            lock()
        });
        Touched { contacts, segments: rows.segments }
    }
}

/// What a row of another table satisfies if a condition may depend on it.
fn concern_of(other: &Other<'_>, checked: &Checked) -> Expr<DocumentTest> {
    match &other.rows {
        OtherRows::Of(related) => {
            let scope = related.rows.restriction.on_document().unwrap_or(Expr::Const(true));
            Expr::and([scope, checked.rows_of_concern(other.name)])
        }
        OtherRows::Topics(topics) => {
            let mut tests = Vec::new();
            checked.for_each(&mut |atom| {
                if let Atom::Topic(topic) = atom {
                    let path = Path::from_keys(vec![topics.topic_column.name.clone()]);
                    let test = ValueTest::Eq(Value::String(topic.clone()));
                    tests.push(Expr::Test(DocumentTest::Field(FieldTest { path, read_as: None, test })));
                }
            });
            Expr::or(tests)
        }
    }
}

/// The columns of another table that a condition reads.
fn read_of(audience: &Audience, other: &Other<'_>, checked: &Checked) -> Vec<String> {
    match &other.rows {
        OtherRows::Of(_) => {
            let used = core_sql::used(checked, &audience.table).relations;
            let columns = used.iter().filter(|used| used.relation.name == other.name).flat_map(|used| &used.columns);
            columns.map(|column| (*column).to_owned()).collect()
        }
        OtherRows::Topics(topics) => vec![topics.topic_column.name.clone()],
    }
}

/// The query that locks the contacts whose rows have these texts in their contact column, in one order, and returns their
/// ids.
fn lock(audience: &Audience, key: &ContactKey, contact: &ColumnRef) -> String {
    let column = format!("c.{}", quote_identifier(&audience.id.name));
    let is_asked = match key {
        _ if audience.id.is_enum => audience.id.is_any(&column, "$1"),
        ContactKey::Equals { operators } => contact.is_any_by(operators, &column, "$1"),
        ContactKey::AsText => format!(
            "{} AND {} OPERATOR(pg_catalog.=) ANY ($1)",
            audience.id.is_any(&column, "$1"),
            audience.id.as_text(&column)
        ),
    };
    // Postgres keeps a sub-select apart that locks rows.
    audience.reading(&format!(
        "SELECT {id} FROM (
                SELECT {column} AS id FROM {contacts} c WHERE {is_asked} ORDER BY {column} FOR NO KEY UPDATE OF c) locked",
        contacts = audience.relation.quoted(),
        id = audience.id.as_text("locked.id"),
    ))
}

impl Precedes {
    fn of(audience: &Audience, other: &Other<'_>, contact: &ColumnRef) -> Self {
        let arguments = [
            other.relation.oid.into(),
            audience.relation.oid.into(),
            contact.name.as_str().into(),
            audience.id.name.as_str().into(),
        ];
        let is_enforced = query::first(FOREIGN_KEY, &arguments, |row| row.get::<bool>(1)).unwrap_or(false);
        match is_enforced {
            true => Precedes::InReplicas,
            false if audience.has_unique_ids() => Precedes::Missing,
            false => Precedes::Any,
        }
    }
}

// One trigger checks INSERT, one UPDATE. PostgreSQL 18 has foreign keys that are NOT ENFORCED, without triggers.
const FOREIGN_KEY: &str = "
SELECT EXISTS (
    SELECT FROM pg_constraint k
      JOIN pg_attribute contact ON contact.attrelid = k.conrelid
       AND contact.attname::text = $3
      JOIN pg_attribute id ON id.attrelid = k.confrelid
       AND id.attname::text = $4
     WHERE k.contype = 'f' AND k.conrelid = $1
       AND k.confrelid = $2 AND k.convalidated AND NOT k.condeferrable
       AND k.conkey = ARRAY[contact.attnum] AND k.confkey = ARRAY[id.attnum]
       AND (SELECT count(*) FROM pg_trigger t WHERE t.tgconstraint = k.oid
               AND t.tgrelid = $1 AND t.tgenabled IN ('O', 'A')) = 2)";
