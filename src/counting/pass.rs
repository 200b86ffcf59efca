//! Counting many segments in one pass over the contacts.
//!
//! The aggregate `segments_tally(plan, VARIADIC columns)` puts each row to all conditions at once and counts the
//! members of each. Conditions and the meaning of the columns come to it as one text, the [`Plan`], which each parallel
//! worker compiles for itself; so what a worker counts with is plain data.

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

/// A pass over an audience's contacts, and whom it counts.
pub struct Pass {
    columns: Columns,
    conditions: Vec<String>,
    /// Which of the conditions that were given these are
    pub numbers: Vec<usize>,
}

/// How many columns one pass reads: a function has at most 100 arguments, two of which are not columns.
const MOST_COLUMNS: usize = 90;

/// Sorts conditions into as few passes as can be; and the numbers of those that a row alone does not decide, because
/// they ask for subscriptions, or are too large to be handed on.
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

/// The condition as rows are asked it, and the text that it is handed on as.
fn text_of(audience: &Audience, condition: &Checked) -> Option<(Checked, String)> {
    if !is_of_row(condition) {
        return None;
    }
    let condition = on_row(condition, &audience.table, row::fold);
    let text = condition.on_document()?.to_condition().to_string();
    // With the conditions of other segments in it, it may be larger than one condition is allowed to be.
    condition::check_for_documents_if_sound(&text)?;
    Some((condition, text))
}

impl Pass {
    /// The query, whose only argument is the plan.
    pub fn sql(&self, audience: &Audience) -> String {
        let mut columns: Vec<String> = self.columns.names.iter().map(quote_identifier).collect();
        if columns.is_empty() {
            // VARIADIC "any" takes at least one.
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

    /// Counts the members of each condition, with the rights of the current role.
    pub fn run(&self, audience: &Audience, progress: Option<progress::Ticket>) -> Vec<i64> {
        let fields: Vec<_> = self.columns.fields.iter().map(|field| (&field.key, field.position)).collect();
        let ticket = progress.map(progress::Ticket::to_parts);
        let plan = serde_json::to_string(&(fields, self.columns.properties, ticket, &self.conditions));
        let plan = plan.unwrap_or_default();
        // As a parameter that is none of the plan's constants, it reaches parallel workers as it is.
        let counts = query::first_with_text(&audience.reading(&self.sql(audience)), &plan, |row| row.nullable(1));
        // Without a row there is nothing to count with.
        counts.flatten().unwrap_or_else(|| vec![0; self.conditions.len()])
    }
}

/// What the aggregate is told: the conditions, and what the columns are.
pub struct Plan {
    pub fields: Vec<ColumnKey>,
    pub properties: Option<usize>,
    pub ticket: Option<progress::Ticket>,
    pub set: ProgramSet,
}

impl Plan {
    /// Reads what [`Pass::run`] wrote; raises 22023 where it is something else.
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
        Plan {
            fields: fields.into_iter().map(|(key, position)| ColumnKey { key, position }).collect(),
            properties,
            ticket: ticket.map(progress::Ticket::from_parts),
            set: ProgramSet::compile(&checked),
        }
    }
}

/// That the aggregate was told something else than what [`Pass::run`] writes.
pub fn no_plan() -> Failure {
    Failure::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, "text is not the plan of a tally")
        .detail("segments_tally() is what refresh_segments() counts with.")
        .hint("Use refresh_segments() or count_contacts().")
}
