//! The queries on contacts and on what other tables say of them. Their argument `$1` has ids as text.

use crate::catalog::audience::{Audience, Other, OtherRows};
use crate::catalog::contact_sql;
use crate::live::concern::RowsConcern;
use crate::pg::guard;
use pgrx::pg_sys::Oid;
use pgrx::spi::quote_identifier;
use segments_core::expr::{Checked, Expr};
use segments_core::sql::{self, ContactKey, Joined, QualifiedName, Style};

/// The name that conditions use for the contact's row. The table's own name could be the name of something else in the query.
const ROW: &str = "segments.row";
/// The name of the contact's topics, quoted.
const HELD: &str = "\"segments.held\"";

/// Parts of tables that have come and gone. The queries read the tables as they were before that.
#[derive(Default)]
pub struct Moved<'a> {
    /// The relations that have their rows in the table
    pub relations: &'a [String],
    pub added: Vec<Oid>,
    /// Each with its name, quoted
    pub detached: Vec<(Oid, String)>,
}

/// The query for how many of the contacts each condition finds: an array.
pub fn how_many<'c>(audience: &Audience, conditions: impl Iterator<Item = &'c Checked>, moved: &Moved<'_>) -> String {
    let Parts { with, from, counts } = parts(audience, conditions, moved);
    moved.reading(audience, &format!("{with}SELECT ARRAY[{counts}]::pg_catalog.int8[] FROM {from}"))
}

/// The query for which of the contacts each condition finds: the numbers of conditions, the ids, and how many rows each id
/// has, as three arrays.
pub fn which<'c>(audience: &Audience, conditions: impl Iterator<Item = &'c Checked>, moved: &Moved<'_>) -> String {
    let Parts { with, from, counts } = parts(audience, conditions, moved);
    let id = audience.id.as_text(&format!("{}.{}", quote_identifier(ROW), quote_identifier(&audience.id.name)));
    let sql = format!(
        "{with}SELECT pg_catalog.array_agg(n.number), pg_catalog.array_agg(r.contact), pg_catalog.array_agg(n.members)
           FROM (SELECT {id}, ARRAY[{counts}]::pg_catalog.int8[] FROM {from} GROUP BY 1) r(contact, members),
                pg_catalog.unnest(r.members) WITH ORDINALITY n(members, number)
          WHERE n.members OPERATOR(pg_catalog.<>) 0 AND r.contact IS NOT NULL"
    );
    moved.reading(audience, &sql)
}

struct Parts {
    /// `WITH …`, or nothing
    with: String,
    from: String,
    /// How many contacts each condition finds
    counts: String,
}

fn parts<'c>(audience: &Audience, conditions: impl Iterator<Item = &'c Checked>, moved: &Moved<'_>) -> Parts {
    let conditions: Vec<Checked> = conditions.map(|checked| contact_sql::restricted(audience, checked)).collect();
    // Not folded, because each of them counts.
    let all = Expr::And(conditions.clone());
    let used = sql::used(&all, &audience.table);
    let row = quote_identifier(ROW);
    let id = format!("{row}.{}", quote_identifier(&audience.id.name));
    let (mut table, mut with, mut held) = (audience.table.clone(), Vec::new(), String::new());
    for other in audience.others() {
        match other.rows {
            OtherRows::Topics(topics) if used.topics.is_some() => {
                let operators = quote_identifier(&topics.operators);
                let topic = quote_identifier(&topics.topic_column.name);
                // Not grouped by the column that says whose they are, whose type may tell ids apart otherwise.
                let is_of_contact = |term: &str| format!("{term} OPERATOR({operators}.=) {id}");
                let rows = moved.rows(&other, &[&topics.topic_column.name], is_of_contact);
                held = format!(
                    " CROSS JOIN LATERAL (SELECT pg_catalog.array_agg(s.{topic}) AS topics FROM ({rows}) s) {HELD}"
                );
                table.topics.iter_mut().for_each(|topics| topics.held = Some(format!("{HELD}.topics")));
            }
            OtherRows::Topics(_) => {}
            OtherRows::Of(related) => {
                let number = table.relations.iter().position(|relation| relation.name == other.name);
                let used = used.relations.iter().find(|used| used.relation.name == other.name);
                let (Some(number), Some(used)) = (number, used) else { continue };
                let is_asked = |term: &str| match (&related.contact, audience.id.is_enum) {
                    (ContactKey::AsText, _) => format!("{term} OPERATOR(pg_catalog.=) ANY ($1)"),
                    (_, true) => related.rows.id.is_any(term, "$1"),
                    (ContactKey::Equals { operators }, false) => audience.id.is_any_by(operators, term, "$1"),
                };
                // The rows of these contacts are found by the index on the contact's column, once for all conditions.
                let name = format!("segments.rows{number}");
                let rows = moved.rows(&other, &used.columns, is_asked);
                with.push(format!("{} AS MATERIALIZED ({rows})", quote_identifier(&name)));
                table.relations[number].relation = QualifiedName { schema: String::new(), name };
            }
        }
    }
    let style = Style { alias: Some(ROW.to_owned()), ..audience.style() };
    let Joined { joins, conditions } = sql::joined(&conditions, &table, &style);
    let counts: Vec<String> =
        conditions.iter().map(|condition| format!("pg_catalog.count(*) FILTER (WHERE {condition})")).collect();
    let contacts = audience.relation.quoted();
    let is_asked = audience.id.is_any(&format!("o.{}", quote_identifier(&audience.id.name)), "$1");
    Parts {
        with: if with.is_empty() { String::new() } else { format!("WITH {} ", with.join(", ")) },
        from: format!("(SELECT o.* FROM {contacts} o WHERE {is_asked}) {row}{held}{joins}"),
        counts: counts.join(",\n"),
    }
}

impl Moved<'_> {
    fn reading(&self, audience: &Audience, sql: &str) -> String {
        guard::reading(audience.tables_read().chain(self.detached.iter().map(|(part, _)| *part)), sql)
    }

    /// The rows of another table, with these columns, that belong to the contacts. `is_asked` is the condition on the column that
    /// says whose a row is.
    fn rows(&self, other: &Other<'_>, columns: &[impl AsRef<str>], is_asked: impl Fn(&str) -> String) -> String {
        let columns: Vec<String> =
            columns.iter().map(|column| format!("r.{}", quote_identifier(column.as_ref()))).collect();
        let columns = columns.join(", ");
        let is_asked = is_asked(&format!("r.{}", quote_identifier(other.contact_column())));
        let mut rows = format!("SELECT {columns} FROM {} r WHERE {is_asked}", other.relation.quoted());
        if self.relations.iter().any(|name| name == other.name) {
            if !self.added.is_empty() {
                let added: Vec<String> = self.added.iter().map(|part| part.to_u32().to_string()).collect();
                rows += &format!(
                    " AND r.tableoid OPERATOR(pg_catalog.<>) ALL ('{{{}}}'::pg_catalog.oid[])",
                    added.join(",")
                );
            }
            for (_, part) in &self.detached {
                rows += &format!(" UNION ALL SELECT {columns} FROM ONLY {part} r WHERE {is_asked}");
            }
        }
        rows
    }
}

/// The query for the texts in the contact column of those rows of a part that may matter.
pub fn whose_rows(audience: &Audience, concern: &RowsConcern, (part, name): &(Oid, String)) -> String {
    let style = Style { alias: Some("r".to_owned()), ..audience.style() };
    let (contact, matters) =
        (concern.contact_column(), sql::where_clause(concern.condition(), concern.table(), &style));
    let column = format!("r.{}", quote_identifier(&contact.name));
    let sql = format!(
        "SELECT DISTINCT {} FROM ONLY {name} r WHERE {column} IS NOT NULL AND ({matters})",
        contact.as_text(&column)
    );
    guard::reading(audience.tables_read().chain([*part]), &sql)
}
