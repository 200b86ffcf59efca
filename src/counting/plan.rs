//! The plans of the aggregates that count many segments in one pass, as texts, from which each parallel worker compiles
//! them for itself.
//!
//! A plan has the meaning of the columns that the aggregate is given, and conditions: for `segments_tally`
//! ([`TallyPlan`]) those of segments, and for `segments_gather` ([`GatherPlan`]) the tests on rows that stand in them. The
//! two have these in the same order ([`AskedRows`]).

use crate::evaluate::condition;
use crate::pg::error::Failure;
use crate::shared::progress;
use pgrx::PgSqlErrorCode;
use segments_core::expr::{Atom, Checked, Expr, RowsTest};
use segments_core::program_set::ProgramSet;
use segments_core::relation_program::{AskedRows, RelationProgram};
use segments_core::row_conditions::{ColumnKey, Columns};
use std::ops::Range;

/// The columns that an aggregate is given, and the refresh that it reports to.
pub struct PlanColumns {
    pub fields: Vec<ColumnKey>,
    pub properties: Option<usize>,
    pub ticket: Option<progress::Ticket>,
}

/// A plan as it is written.
type Written<T> = (Vec<(T, usize)>, Option<usize>, Option<(usize, u64)>, Vec<T>);

/// The text of a plan.
pub fn text(columns: &Columns, ticket: Option<progress::Ticket>, conditions: &[impl AsRef<str>]) -> String {
    let fields = columns.fields.iter().map(|field| (field.key.as_str(), field.position)).collect();
    let conditions = conditions.iter().map(AsRef::as_ref).collect();
    let written: Written<&str> = (fields, columns.properties, ticket.map(progress::Ticket::to_parts), conditions);
    serde_json::to_string(&written).unwrap_or_default()
}

/// The columns and the conditions of a plan. Raises 22023 for any other text.
fn read(text: &str) -> (PlanColumns, Vec<Checked>) {
    let Ok((fields, properties, ticket, conditions)) = serde_json::from_str::<Written<String>>(text) else {
        no_plan().raise()
    };
    let check = |text: &String| {
        condition::check_for_documents(text.as_bytes()).unwrap_or_else(|errors| condition::raise_first(errors))
    };
    let columns = PlanColumns {
        fields: fields.into_iter().map(|(key, position)| ColumnKey { key, position }).collect(),
        properties,
        ticket: ticket.map(progress::Ticket::from_parts),
    };
    (columns, conditions.iter().map(check).collect())
}

impl PlanColumns {
    /// Raises 22023 if an aggregate that is given so many columns lacks one of these.
    pub fn must_be_within(&self, columns: usize) {
        let mut positions = self.fields.iter().map(|field| field.position).chain(self.properties);
        if !positions.all(|position| position < columns) {
            no_plan().detail("It has more columns than the aggregate is given.").raise()
        }
    }
}

/// The plan of `segments_tally`.
pub struct TallyPlan {
    pub columns: PlanColumns,
    pub set: ProgramSet,
    /// The columns with what was gathered of relations
    pub gathered: Vec<GatheredColumn>,
}

/// A column with what was gathered of a relation.
pub struct GatheredColumn {
    pub position: usize,
    /// The place of its answers among those of all relations
    pub words: Range<usize>,
}

impl TallyPlan {
    /// Reads a plan. A field whose column has been gathered is a relation. Raises 22023 for a text that is no plan.
    pub fn read(text: &str, is_gathered: impl Fn(usize) -> bool) -> Self {
        let (mut columns, conditions) = read(text);
        let relations: Vec<ColumnKey> = columns.fields.extract_if(.., |field| is_gathered(field.position)).collect();
        let is_relation = |name: &str| relations.iter().any(|relation| relation.key == name);
        let with_relations = |condition: &Checked| condition.with_relations(&is_relation);
        let Some(conditions) = conditions.iter().map(with_relations).collect::<Option<Vec<Checked>>>() else {
            no_plan().detail("A condition asks something else of a relation than its rows.").raise()
        };
        let asked = AskedRows::of(&conditions);
        let gathered = |relation: &ColumnKey| {
            let (first, words) = asked.words(&relation.key);
            GatheredColumn { position: relation.position, words: first..first + words }
        };
        let gathered = relations.iter().map(gathered).collect();
        TallyPlan { columns, set: ProgramSet::compile_with_rows(&conditions, &asked.numbers()), gathered }
    }
}

/// The plan of `segments_gather`.
pub struct GatherPlan {
    pub columns: PlanColumns,
    pub program: RelationProgram,
}

impl GatherPlan {
    /// Reads a plan. Raises 22023 for any other text.
    pub fn read(text: &str) -> Self {
        let (columns, conditions) = read(text);
        let tests: Option<Vec<RowsTest>> = conditions.iter().map(rows_test).collect();
        let Some(tests) = tests else {
            no_plan().detail("A condition is no test on rows.").raise();
        };
        GatherPlan { columns, program: RelationProgram::compile(&tests) }
    }
}

/// The text of a test on rows for the plan; `None` if it would not be read as that.
pub fn rows_text(test: &RowsTest) -> Option<String> {
    let checked: Checked = Expr::Test(Atom::Field(test.on_array()));
    let text = checked.on_document()?.to_condition().to_string();
    condition::check_for_documents_if_sound(&text).as_ref().and_then(rows_test).map(|_| text)
}

fn rows_test(condition: &Checked) -> Option<RowsTest> {
    match condition {
        Expr::Test(Atom::Field(field)) => RowsTest::of_array(field),
        _ => None,
    }
}

/// The SQLSTATE with which `segments_gather` gives up.
pub const TOO_MANY_ROWS: PgSqlErrorCode = PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED;

/// The error for a contact of whose rows more would be kept than `work_mem` allows.
pub fn too_many_rows() -> Failure {
    Failure::new(TOO_MANY_ROWS, "a contact has more rows than can be kept")
        .detail("What sequences and different values keep of the rows of one contact exceeds work_mem.")
        .hint("Increase work_mem. A refresh counts such segments one by one.")
}

/// The error for a text that is not a plan.
pub fn no_plan() -> Failure {
    Failure::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, "text is not the plan of a tally")
        .detail("segments_tally() is what refresh_segments() counts with.")
        .hint("Use refresh_segments() or count_contacts().")
}
