//! Counting many segments in one pass over the contacts.
//!
//! The aggregate `segments_tally(plan, VARIADIC columns)` evaluates all conditions for each row and counts the members
//! of each condition.
//!
//! Where conditions read rows of relations, contacts are joined with what the aggregate `segments_gather(plan, VARIADIC
//! columns)` has gathered of their rows: for each test on rows, whether they satisfy it. Each relation is read once,
//! sorted by contact, so that Postgres spills what does not fit into `work_mem`, and the aggregate has the rows of one
//! contact at a time.

use crate::catalog::audience::Audience;
use crate::catalog::contact_sql;
use crate::counting::plan;
use crate::evaluate::condition;
use crate::pg::{query, row};
use crate::shared::progress;
use pgrx::spi::quote_identifier;
use segments_core::expr::{Checked, Expr};
use segments_core::path::Path;
use segments_core::relation_program::AskedRows;
use segments_core::row_conditions::{ColumnKey, Columns, on_row};
use segments_core::sql::Gathering;

/// A pass over the contacts of an audience, with the conditions that it counts.
pub struct Pass {
    columns: Columns,
    conditions: Vec<Condition>,
    /// The relations that are read, with the columns of their rows
    relations: Vec<(String, Columns)>,
    /// The numbers of these conditions among those that [`plan()`] was given
    pub numbers: Vec<usize>,
}

/// A condition in the form that is evaluated for rows.
struct Condition {
    checked: Checked,
    text: String,
}

/// How many columns an aggregate of a pass can read. A function has at most 100 arguments, and two of them are no columns.
const MOST_COLUMNS: usize = 90;

/// Sorts conditions into as few passes as possible; those that read rows of relations have passes of their own. Also
/// returns the numbers of conditions that no pass can count, because they ask for subscriptions or their text is too
/// large.
pub fn plan(audience: &Audience, conditions: &[Checked]) -> (Vec<Pass>, Vec<usize>) {
    let mut passes: Vec<Pass> = Vec::new();
    let mut others = Vec::new();
    for (number, condition) in conditions.iter().enumerate() {
        let Some(condition) = Condition::of(audience, condition) else {
            others.push(number);
            continue;
        };
        let reads_rows = condition.checked.reads_rows();
        let with = |pass: &Pass| {
            let is_alike = pass.relations.is_empty() != reads_rows;
            is_alike.then(|| pass.read_with(audience, &condition.checked)).filter(|read| read.fits())
        };
        let found = passes.iter().enumerate().find_map(|(index, pass)| Some((index, with(pass)?)));
        let (index, read) = found.unwrap_or_else(|| {
            passes.push(Pass::empty());
            let read = Pass::empty().read_with(audience, &condition.checked);
            (passes.len() - 1, read)
        });
        passes[index].add(condition, number, read);
    }
    (passes, others)
}

impl Condition {
    /// `None` if a pass cannot count it.
    fn of(audience: &Audience, condition: &Checked) -> Option<Self> {
        let condition = on_row(condition, &audience.table, row::fold);
        let text = condition.on_document()?.to_condition().to_string();
        // With the conditions of other segments in it, the text may exceed the limits of a condition.
        let read = condition::check_for_documents_if_sound(&text)?;
        let relations: Vec<&str> = AskedRows::of([&condition]).relations().collect();
        if relations.is_empty() {
            return Some(Condition { checked: condition, text });
        }
        // Both aggregates compile what they read, so the columns and the tests on rows are those of the text.
        let checked = read.with_relations(&|name| relations.contains(&name))?;
        let asked = AskedRows::of([&checked]);
        let is_readable = |name: &&str| {
            audience.table.relation(name).is_some()
                && asked.tests(name).iter().all(|test| plan::rows_text(test).is_some())
        };
        relations.iter().all(is_readable).then_some(Condition { checked, text })
    }

    fn keeps_rows(&self) -> bool {
        let asked = AskedRows::of([&self.checked]);
        asked.relations().any(|name| asked.tests(name).iter().any(|test| test.keeps_rows()))
    }
}

/// What a pass reads.
struct Read {
    columns: Columns,
    relations: Vec<(String, Columns)>,
}

impl Read {
    fn fits(&self) -> bool {
        let is_few = |columns: &Columns, more: usize| columns.names.len() + more <= MOST_COLUMNS;
        is_few(&self.columns, self.relations.len()) && self.relations.iter().all(|(_, columns)| is_few(columns, 0))
    }
}

impl Pass {
    fn empty() -> Self {
        Pass { columns: Columns::default(), conditions: Vec::new(), relations: Vec::new(), numbers: Vec::new() }
    }

    /// What the pass reads with another condition.
    fn read_with(&self, audience: &Audience, condition: &Checked) -> Read {
        let mut read = Read { columns: self.columns.clone(), relations: self.relations.clone() };
        read.columns.add(condition, &audience.table);
        let asked = AskedRows::of([condition]);
        for name in asked.relations() {
            let Some(relation) = audience.table.relation(name) else { continue };
            let known = read.relations.iter().position(|(known, _)| known == name);
            let index = known.unwrap_or_else(|| {
                read.relations.push((name.to_owned(), Columns::default()));
                read.relations.len() - 1
            });
            let paths: Vec<&Path> = asked.tests(name).iter().flat_map(|test| test.paths()).collect();
            read.relations[index].1.add_paths(paths, &relation.rows);
        }
        read
    }

    fn asked(&self) -> AskedRows<'_> {
        AskedRows::of(self.conditions.iter().map(|condition| &condition.checked))
    }

    /// The relations whose rows it reads.
    pub fn relations(&self) -> impl Iterator<Item = &str> {
        self.relations.iter().map(|(name, _)| name.as_str())
    }

    /// The query, whose arguments are the plans: that of the tally, and one for each relation.
    pub fn sql(&self, audience: &Audience) -> String {
        let asked = self.asked();
        let arguments: Vec<String> = (0..self.relations.len()).map(|number| format!("${}", number + 2)).collect();
        let gatherings = self.relations.iter().zip(&arguments).map(|((name, columns), argument)| Gathering {
            relation: name,
            aggregate: "segments_gather",
            argument,
            columns: &columns.names,
            in_order: asked.tests(name).iter().any(|test| test.is_ordered()),
        });
        let gathered = contact_sql::gathered(audience, &gatherings.collect::<Vec<_>>());
        let table = quote_identifier(&audience.table.name);
        let columns = self.columns.names.iter().map(|name| format!("{table}.{}", quote_identifier(name)));
        let mut columns: Vec<String> = columns.chain(gathered.values).collect();
        if columns.is_empty() {
            // VARIADIC "any" needs at least one argument.
            columns.push("true".to_owned());
        }
        format!(
            "SELECT {}.segments_tally($1, {}) FROM {}{} WHERE {}",
            quote_identifier(&audience.extension_schema),
            columns.join(", "),
            audience.relation.quoted(),
            gathered.joins,
            contact_sql::joined_sql(audience, &[Expr::Const(true)]).conditions.join(" AND "),
        )
    }

    /// How many arguments the query has.
    pub fn arguments(&self) -> usize {
        1 + self.relations.len()
    }

    /// Whether it keeps something of each row of a contact, so that it is given up if a contact has very many rows.
    pub fn keeps_rows(&self) -> bool {
        self.conditions.iter().any(Condition::keeps_rows)
    }

    /// The pass without the conditions for which rows are kept, if it has others, and the numbers of these conditions.
    pub fn without_kept_rows(self, audience: &Audience) -> (Option<Pass>, Vec<usize>) {
        let mut rest = Pass::empty();
        let mut left_out = Vec::new();
        for (condition, number) in self.conditions.into_iter().zip(self.numbers) {
            if condition.keeps_rows() {
                left_out.push(number);
            } else {
                let read = rest.read_with(audience, &condition.checked);
                rest.add(condition, number, read);
            }
        }
        ((!rest.numbers.is_empty()).then_some(rest), left_out)
    }

    fn add(&mut self, condition: Condition, number: usize, read: Read) {
        (self.columns, self.relations) = (read.columns, read.relations);
        self.conditions.push(condition);
        self.numbers.push(number);
    }

    /// Counts the members of each condition by [`Pass::sql`], with the rights of the current role.
    pub fn run(&self, sql: &str, progress: Option<progress::Ticket>) -> Vec<i64> {
        let asked = self.asked();
        // What was gathered of a relation is in a column after those of contacts.
        let mut columns = self.columns.clone();
        for (name, position) in self.relations().zip(self.columns.names.len()..) {
            columns.fields.push(ColumnKey { key: name.to_owned(), position });
        }
        let conditions: Vec<&str> = self.conditions.iter().map(|condition| condition.text.as_str()).collect();
        let mut plans = vec![plan::text(&columns, progress, &conditions)];
        for (name, columns) in &self.relations {
            let tests: Vec<String> = asked.tests(name).iter().filter_map(|test| plan::rows_text(test)).collect();
            plans.push(plan::text(columns, progress, &tests));
        }
        let plans: Vec<&str> = plans.iter().map(String::as_str).collect();
        // The plans are passed as parameters that Postgres does not fold into constants, so they reach parallel workers
        // unchanged.
        let counts = query::first_with_texts(sql, &plans, |row| row.nullable(1));
        // Without any row the aggregate returns NULL.
        counts.flatten().unwrap_or_else(|| vec![0; self.conditions.len()])
    }
}
