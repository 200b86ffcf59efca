//! Rows of relations that an aggregate gathers, contact by contact.

use super::{ContactTable, Related, SqlExpr, Writer};
use crate::sql::table::RelationTable;

/// A relation whose rows an aggregate gathers.
#[derive(Clone, Copy, Debug)]
pub struct Gathering<'a> {
    /// The name of the relation
    pub relation: &'a str,
    /// The aggregate, which is in the extension's schema
    pub aggregate: &'a str,
    /// Its first argument, as SQL; the columns follow
    pub argument: &'a str,
    /// The names of the columns that it reads
    pub columns: &'a [String],
    /// Whether the rows of a contact come in the order of the primary key
    pub in_order: bool,
}

/// What contacts are joined with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gathered {
    /// For `FROM`, after the table of contacts. It adds no rows
    pub joins: String,
    /// What was gathered, in the order of the relations. It is NULL for contacts without rows
    pub values: Vec<String>,
}

pub(in crate::sql) fn joined_with(
    gatherings: &[Gathering<'_>],
    contacts: Option<&str>,
    table: &ContactTable,
    writer: Writer<'_>,
) -> Gathered {
    let mut gathered = Gathered { joins: String::new(), values: Vec::new() };
    let taken = writer.0.alias.as_deref().unwrap_or(&table.name);
    let mut aliases = (1..).map(|number| format!("gathered{number}")).filter(|alias| alias != taken);
    for gathering in gatherings {
        let Some(relation) = table.relation(gathering.relation) else {
            gathered.values.push("NULL".to_owned());
            continue;
        };
        // There are more numbers than names.
        let alias = writer.identifier(&aliases.next().unwrap_or_default());
        let rows = gathering.rows(&Related::of(table, writer, relation), contacts, table, writer);
        let columns: Vec<String> = (0..gathering.columns.len()).map(|number| format!("{alias}.c{number}")).collect();
        // An aggregate of any columns takes at least one.
        let columns = if columns.is_empty() { "true".to_owned() } else { columns.join(", ") };
        let is_of_contact = Related::of(table, writer, relation).is_of_contact(&format!("{alias}.contact"));
        gathered.joins += &format!(
            " LEFT JOIN (SELECT {alias}.contact, {}({}, {columns}) AS told FROM ({rows}) AS {alias} GROUP BY {alias}.contact) AS {alias} ON {}",
            writer.own(gathering.aggregate),
            gathering.argument,
            writer.write(&is_of_contact),
        );
        gathered.values.push(format!("{alias}.told"));
    }
    gathered
}

/// What a query reads of the rows of a relation that belong to some contacts.
pub struct RowsRead<'a> {
    /// The names of the columns
    pub columns: &'a [String],
    /// What is read last, made of the column that says whose a row is
    pub whose: &'a dyn Fn(&str) -> String,
    /// The condition on that column
    pub is_asked: &'a dyn Fn(&str) -> String,
    /// Whether the rows come in the order of the primary key
    pub in_order: bool,
}

pub(in crate::sql) fn rows_read(
    relation: &RelationTable,
    read: &RowsRead<'_>,
    table: &ContactTable,
    writer: Writer<'_>,
) -> String {
    let related = Related::of(table, writer, relation);
    let writer = related.writer();
    let contact = writer.column(&relation.rows.id);
    let columns = read.columns.iter().map(|name| writer.column(name));
    let selected: Vec<String> = columns.chain([(read.whose)(&contact)]).collect();
    let order = if read.in_order { related.key_order("").join(", ") } else { String::new() };
    format!(
        "SELECT {} FROM {} WHERE {} AND {}{}{order}",
        selected.join(", "),
        related.source(),
        (read.is_asked)(&contact),
        writer.write(&SqlExpr::and([related.in_scope(), related.has_contact()])),
        if order.is_empty() { "" } else { " ORDER BY " },
    )
}

impl Gathering<'_> {
    /// The rows, contact by contact, so that Postgres has one group at a time in memory, however it plans the rest.
    fn rows(&self, related: &Related<'_>, contacts: Option<&str>, table: &ContactTable, outer: Writer<'_>) -> String {
        let writer = related.writer();
        let columns =
            self.columns.iter().zip(0..).map(|(name, number)| format!("{} AS c{number}", writer.column(name)));
        let selected: Vec<String> = [format!("{} AS contact", related.contact())].into_iter().chain(columns).collect();
        let mut order = vec![related.contact()];
        if self.in_order {
            order.extend(related.key_order(""));
        }
        let is_wanted = match contacts {
            None => SqlExpr::Const(true),
            Some(contacts) => related.is_of_any(&format!(
                "SELECT {} FROM {} WHERE {contacts}",
                related.id(),
                match &outer.0.alias {
                    Some(alias) if *alias != table.name => {
                        format!("{} AS {}", outer.qualified(&table.qualified_name()), outer.identifier(alias))
                    }
                    _ => outer.qualified(&table.qualified_name()),
                }
            )),
        };
        let read = SqlExpr::and([related.in_scope(), related.has_contact(), is_wanted]);
        format!(
            "SELECT {} FROM {}{} ORDER BY {}",
            selected.join(", "),
            related.source(),
            related.where_(&read),
            order.join(", ")
        )
    }
}
