//! Whom a statement concerns: which contacts it touches in a way that may matter to segments that ask for other tables, and
//! to which of these. The transition tables are read directly, so that a statement that concerns nobody costs next to
//! nothing, and locks nothing.

use crate::catalog::audience::{Audience, Other, OtherRows};
use crate::catalog::column::ColumnRef;
use crate::catalog::contact_sql;
use crate::live::deltas::Effect;
use crate::live::eligibility::LiveSegment;
use crate::live::touched::Touched;
use crate::pg::plan::KeptPlan;
use crate::pg::relcache::Presence;
use crate::pg::spi::connected;
use crate::pg::text::Text;
use crate::pg::transition::{ChangedRow, TableProgram};
use crate::pg::trigger::Statement;
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

/// Whom statements on the contacts' table concern.
pub struct ContactsConcern {
    program: TableProgram,
    /// The column that identifies contacts
    id: (usize, Text),
    asks_bucket: bool,
    /// By the numbers of conditions. A contact of whom the condition does not hold is no member, whatever other tables say
    segments: Vec<Uuid>,
    /// Whether as many conditions follow, for contacts without an id. They have nothing in other tables
    has_strangers: bool,
}

impl ContactsConcern {
    /// `table` is the audience's table or a part of it. `None` if it lacks a column.
    pub fn new(table: Oid, audience: &Audience, segments: &[LiveSegment]) -> Option<Self> {
        let whole: Vec<Checked> =
            segments.iter().map(|segment| contact_sql::restricted(audience, &segment.checked)).collect();
        let adapted = |condition: Checked| on_row(&condition, &audience.table, row::fold);
        let has_strangers = !audience.id.not_null;
        let mut conditions: Vec<Checked> = whole.iter().map(|checked| adapted(checked.own_part())).collect();
        if has_strangers {
            conditions.extend(whole.iter().map(|checked| adapted(checked.without_others())));
        }
        let mut columns = Columns::of(&conditions, &audience.table);
        for checked in &whole {
            let used = core_sql::used(checked, &audience.table);
            used.columns.iter().for_each(|column| _ = columns.position(&column.name));
            used.properties.iter().for_each(|column| _ = columns.position(&column.name));
        }
        let id = columns.position(&audience.id.name);
        let program = TableProgram::new(table, &columns, ProgramSet::compile(&conditions))?;
        Some(ContactsConcern {
            id: (id, program.text_of(id)),
            program,
            asks_bucket: conditions.iter().any(Checked::asks_bucket),
            segments: segments.iter().map(|segment| segment.id).collect(),
            has_strangers,
        })
    }

    /// Adds whom a statement concerns to `touched`, and to `effect` what it does to contacts without an id. Returns whether
    /// there is an id that was not there before.
    pub fn find(&self, statement: Statement, touched: &mut Touched, effect: &mut Effect) -> bool {
        let (position, text) = &self.id;
        let mut matches = Matches::new();
        let mut found = Found::new(self.segments.len());
        let mut has_new = false;
        let mut put = |row: &ChangedRow<'_>, sign: i64, effect: &mut Effect, found: &mut Found| -> bool {
            let id = row.text(*position, text);
            let bucket_id = id.as_deref().filter(|_| self.asks_bucket);
            row.matching(
                Surroundings { interrupt: interrupt::check, id: bucket_id, ..Surroundings::NONE },
                &mut matches,
            );
            match id {
                Some(id) => found.add(id, matches.iter().filter(|number| *number < self.segments.len())),
                None if self.has_strangers => {
                    let strangers = matches.iter().filter_map(|number| number.checked_sub(self.segments.len()));
                    strangers.for_each(|number| effect.grew(self.segments[number], sign));
                    false
                }
                None => false,
            }
        };
        self.program.each(statement, |old, new| {
            let has_same_id = matches!((&old, &new), (Some(old), Some(new)) if old.has_same(*position, new));
            if has_same_id && matches!((&old, &new), (Some(old), Some(new)) if old.is_like(new)) {
                return;
            }
            old.iter().for_each(|old| _ = put(old, -1, effect, &mut found));
            has_new |= new.iter().any(|new| put(new, 1, effect, &mut found)) && !has_same_id;
        });
        found.into_touched(&self.segments, touched);
        has_new
    }
}

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
    /// Set if a row may be written before its contact exists
    presence: Option<Presence>,
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
            presence: presence(audience, other, &contact),
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
            let lock = || session.run_latest(plan, &[asked.clone().into()], |row| row.get::<String>(1));
            let locked = lock();
            match self.presence {
                Some(presence) if locked.len() < asked.len() => {
                    // If another transaction has inserted the contact and not committed yet, this waits for it, and the
                    // second run finds the contact. If the contact is inserted later, it is counted with this row then.
                    presence.miss();
                    lock()
                }
                _ => locked,
            }
        });
        Touched { contacts: contacts.into_iter().flatten().collect(), segments: rows.segments }
    }
}

/// What the rows of a statement concern.
struct Found {
    contacts: HashSet<String>,
    concerned: Vec<bool>,
}

impl Found {
    fn new(conditions: usize) -> Self {
        Found { contacts: HashSet::new(), concerned: vec![false; conditions] }
    }

    /// Adds a contact, unless no condition holds. Returns whether one does.
    fn add(&mut self, contact: String, conditions: impl Iterator<Item = usize>) -> bool {
        let mut holds = false;
        for number in conditions {
            self.concerned[number] = true;
            holds = true;
        }
        if holds {
            self.contacts.insert(contact);
        }
        holds
    }

    fn into_touched(self, segments: &[Uuid], touched: &mut Touched) {
        touched.contacts.extend(self.contacts);
        let concerned = segments.iter().zip(self.concerned).filter(|(_, concerned)| *concerned);
        touched.segments.extend(concerned.map(|(segment, _)| *segment));
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
    audience.reading(&format!(
        "WITH locked AS MATERIALIZED (
                SELECT {column} AS id FROM {contacts} c WHERE {is_asked} ORDER BY {column} FOR NO KEY UPDATE OF c)
         SELECT DISTINCT {id} FROM locked",
        contacts = audience.relation.quoted(),
        id = audience.id.as_text("locked.id"),
    ))
}

/// Without a foreign key, a row may be written before its contact exists. The lock makes the two writers wait for each
/// other. `None` if there is such a foreign key.
fn presence(audience: &Audience, other: &Other<'_>, contact: &ColumnRef) -> Option<Presence> {
    let arguments = [
        other.relation.oid.into(),
        audience.relation.oid.into(),
        contact.name.as_str().into(),
        audience.id.name.as_str().into(),
    ];
    let is_enforced = query::first(FOREIGN_KEY, &arguments, |row| row.get::<bool>(1)).unwrap_or(false);
    (!is_enforced).then_some(Presence(audience.relation.oid))
}

/// The lock for audiences in which some other table may have a row before its contact exists.
pub fn presence_of_any(audience: &Audience, segments: &[LiveSegment]) -> Option<Presence> {
    let is_asked = |other: &Other<'_>| segments.iter().any(|segment| segment.asks_for.contains(other.name));
    audience.others().filter(is_asked).find_map(|other| {
        let contact = other.contact_column();
        let columns = crate::catalog::columns::read(other.relation.oid);
        presence(audience, &other, &columns.iter().find(|column| column.name == contact)?.to_ref())
    })
}

// PostgreSQL 18 has foreign keys that are NOT ENFORCED. They have no triggers.
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
       AND EXISTS (SELECT FROM pg_trigger t WHERE t.tgconstraint = k.oid
                      AND t.tgrelid = $1 AND t.tgenabled <> 'D'))";
