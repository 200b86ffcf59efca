//! Counting many segments in one pass over the contacts.
//!
//! The aggregate `segments_tally(plan, VARIADIC columns)` evaluates all conditions for each row and counts the members
//! of each condition. One text, the [`TallyPlan`], contains the conditions and the meaning of the columns. Each parallel
//! worker compiles it for itself.

use crate::catalog::audience::Audience;
use crate::catalog::contact_sql;
use crate::evaluate::condition;
use crate::pg::error::Failure;
use crate::pg::{query, row};
use crate::shared::progress;
use pgrx::PgSqlErrorCode;
use pgrx::spi::quote_identifier;
use segments_core::expr::{Checked, Expr};
use segments_core::program_set::ProgramSet;
use segments_core::row_conditions::{ColumnKey, Columns, is_of_row, on_row};

/// A pass over the contacts of an audience, with the conditions that it counts.
pub struct Pass {
    columns: Columns,
    conditions: Vec<String>,
    /// The numbers of these conditions among those that [`plan`] was given
    pub numbers: Vec<usize>,
}

/// How many columns a pass can read. A function has at most 100 arguments, and two of them are no columns.
const MOST_COLUMNS: usize = 90;

/// Sorts conditions into as few passes as possible. Also returns the numbers of conditions that no pass can count,
/// because they ask for subscriptions or their text is too large.
pub fn plan(audience: &Audience, conditions: &[Checked]) -> (Vec<Pass>, Vec<usize>) {
    let mut passes: Vec<Pass> = Vec::new();
    let mut others = Vec::new();
    for (number, condition) in conditions.iter().enumerate() {
        let Some((condition, text)) = text_of(audience, condition) else {
            others.push(number);
            continue;
        };
        let with = |pass: &Pass| {
            let mut columns = pass.columns.clone();
            columns.add(&condition, &audience.table);
            (columns.names.len() <= MOST_COLUMNS).then_some(columns)
        };
        let found = passes.iter_mut().find_map(|pass| with(pass).map(|columns| (pass, columns)));
        match found {
            Some((pass, columns)) => {
                pass.columns = columns;
                pass.conditions.push(text);
                pass.numbers.push(number);
            }
            None => passes.push(Pass {
                columns: Columns::of([&condition], &audience.table),
                conditions: vec![text],
                numbers: vec![number],
            }),
        }
    }
    (passes, others)
}

/// A condition in the form that is evaluated for rows, and its text for the plan; `None` if a pass cannot count it.
fn text_of(audience: &Audience, condition: &Checked) -> Option<(Checked, String)> {
    if !is_of_row(condition) {
        return None;
    }
    let condition = on_row(condition, &audience.table, row::fold);
    let text = condition.on_document()?.to_condition().to_string();
    // With the conditions of other segments in it, the text may exceed the limits of a condition.
    condition::check_for_documents_if_sound(&text)?;
    Some((condition, text))
}

impl Pass {
    /// The query, whose only argument is the plan.
    pub fn sql(&self, audience: &Audience) -> String {
        let mut columns: Vec<String> = self.columns.names.iter().map(quote_identifier).collect();
        if columns.is_empty() {
            // VARIADIC "any" needs at least one argument.
            columns.push("true".to_owned());
        }
        format!(
            "SELECT {}.segments_tally($1, {}) FROM {} WHERE {}",
            quote_identifier(&audience.extension_schema),
            columns.join(", "),
            audience.relation.quoted(),
            contact_sql::executable_sql(audience, &Expr::Const(true)),
        )
    }

    /// Counts the members of each condition by [`Pass::sql`], with the rights of the current role.
    pub fn run(&self, sql: &str, progress: Option<progress::Ticket>) -> Vec<i64> {
        let fields: Vec<_> = self.columns.fields.iter().map(|field| (&field.key, field.position)).collect();
        let ticket = progress.map(progress::Ticket::to_parts);
        let plan = serde_json::to_string(&(fields, self.columns.properties, ticket, &self.conditions));
        let plan = plan.unwrap_or_default();
        // The plan is passed as a parameter that Postgres does not fold into a constant, so it reaches parallel workers
        // unchanged.
        let counts = query::first_with_text(sql, &plan, |row| row.nullable(1));
        // Without any row the aggregate returns NULL.
        counts.flatten().unwrap_or_else(|| vec![0; self.conditions.len()])
    }
}

/// The first argument of the aggregate: the conditions, and the meaning of the columns.
pub struct TallyPlan {
    pub fields: Vec<ColumnKey>,
    pub properties: Option<usize>,
    pub ticket: Option<progress::Ticket>,
    pub set: ProgramSet,
}

impl TallyPlan {
    /// Reads a plan that [`Pass::run`] wrote. Raises 22023 for any other text.
    pub fn read(text: &str) -> Self {
        type Written = (Vec<(String, usize)>, Option<usize>, Option<(usize, u64)>, Vec<String>);
        let Ok((fields, properties, ticket, conditions)) = serde_json::from_str::<Written>(text) else {
            no_plan().raise()
        };
        let checked: Vec<Checked> = conditions
            .iter()
            .map(|text| {
                condition::check_for_documents(text.as_bytes()).unwrap_or_else(|errors| condition::raise_first(errors))
            })
            .collect();
        TallyPlan {
            fields: fields.into_iter().map(|(key, position)| ColumnKey { key, position }).collect(),
            properties,
            ticket: ticket.map(progress::Ticket::from_parts),
            set: ProgramSet::compile(&checked),
        }
    }
}

/// The error for a text that is not a plan.
pub fn no_plan() -> Failure {
    Failure::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, "text is not the plan of a tally")
        .detail("segments_tally() is what refresh_segments() counts with.")
        .hint("Use refresh_segments() or count_contacts().")
}
