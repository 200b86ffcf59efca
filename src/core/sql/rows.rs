//! Compiles tests on rows of relations.

use super::pair::Member;
use super::table::{ColumnKind, ContactKey, RelationTable};
use super::tree::{Infix, SqlExpr, Symbol};
use super::writer::Writer;
use super::{Compiler, Style};
use crate::expr::{Checked, DocumentTest, ElementsTest, Expr, RowsAsked, RowsTest};

impl Compiler<'_> {
    /// Compiles a test on rows of a relation. It is never NULL.
    pub(super) fn rows(&self, rows: &RowsTest, positive: bool) -> SqlExpr {
        let holds = match (self.table.relation(&rows.relation), &rows.asked) {
            // A relation that is lost has no rows.
            (None, _) => SqlExpr::Const(rows.holds_for_none()),
            (Some(relation), RowsAsked::Some(condition)) => self.some_row(relation, condition),
            (Some(relation), RowsAsked::Elements(elements)) => self.rows_as_array(relation, rows, elements),
        };
        if positive { holds } else { holds.negate() }
    }

    /// Whether a row satisfies the condition.
    fn some_row(&self, relation: &RelationTable, condition: &Expr<DocumentTest>) -> SqlExpr {
        let style = self.style_of_rows(relation);
        let rows = Compiler { table: &relation.rows, writer: Writer(&style) };
        let found = self.found(relation, &rows, condition);
        if found == SqlExpr::Const(false) {
            return found;
        }
        let found = self.writer.write(&found);
        SqlExpr::Truth(format!("EXISTS (SELECT 1 FROM {} WHERE {found})", rows.as_source(relation)))
    }

    /// Puts a test to the array of all rows, which is right for every test, and slow.
    fn rows_as_array(&self, relation: &RelationTable, test: &RowsTest, elements: &ElementsTest) -> SqlExpr {
        let style = self.style_of_rows(relation);
        let rows = Compiler { table: &relation.rows, writer: Writer(&style) };
        let found = self.writer.write(&self.found(relation, &rows, &Expr::Const(true)));
        let order = if elements.by().is_some() { rows.key_order(relation) } else { vec![] };
        let order = if order.is_empty() { String::new() } else { format!(" ORDER BY {}", order.join(", ")) };
        let writer = self.writer;
        let array = format!(
            "(SELECT COALESCE({}({}{order}), {}) FROM {} WHERE {found})",
            writer.builtin("jsonb_agg"),
            rows.row_object(test),
            writer.jsonb("[]"),
            rows.as_source(relation)
        );
        let object = format!("{}({}, {array})", writer.builtin("jsonb_build_object"), writer.text(&relation.name));
        let condition = Expr::Test(test.on_array()).to_condition().to_string();
        SqlExpr::infix(object, writer.matches(), writer.condition(&condition))
    }

    /// The rows of the contact that are in the relation's scope and satisfy the condition.
    fn found(&self, relation: &RelationTable, rows: &Compiler<'_>, condition: &Expr<DocumentTest>) -> SqlExpr {
        let condition = Expr::and([relation.scope.clone(), condition.clone()]);
        let atoms: Checked = condition.try_map(&mut |test| Some(test.clone().into())).unwrap_or(Expr::Const(false));
        SqlExpr::and([self.is_of_contact(relation, rows), rows.sql(rows.part(&atoms))])
    }

    /// Whether a row belongs to the contact.
    fn is_of_contact(&self, relation: &RelationTable, rows: &Compiler<'_>) -> SqlExpr {
        let writer = self.writer;
        // Both columns are prefixed, since the other table may have a column with the same name.
        let id = format!("{}.{}", writer.identifier(self.outer_name()), writer.identifier(&self.table.id));
        let contact = rows.writer.column(&relation.rows.id);
        match &relation.contact {
            ContactKey::Equals { operators } => {
                let equals = Infix { symbol: Symbol::Eq, schema: Some(operators.clone()) };
                SqlExpr::infix(contact, equals, id)
            }
            ContactKey::AsText => {
                let kind = self.table.column(&self.table.id).map(|column| &column.kind);
                let text = match kind {
                    Some(kind @ ColumnKind::Enum { .. }) if writer.plain(kind, &id) != id => writer.plain(kind, &id),
                    Some(ColumnKind::Inet) => writer.printed(&id),
                    _ => writer.as_text(&id),
                };
                SqlExpr::infix(contact, Symbol::Eq, text)
            }
        }
    }

    fn outer_name(&self) -> &str {
        self.writer.0.alias.as_deref().unwrap_or(&self.table.name)
    }

    /// The style of the rows' columns, which have a prefix.
    fn style_of_rows(&self, relation: &RelationTable) -> Style {
        let outer = self.outer_name();
        let names = [relation.relation.name.as_str(), "related", "related_row"];
        let alias = names.into_iter().find(|name| *name != outer).map(str::to_owned);
        Style { alias, ..self.writer.0.clone() }
    }

    fn as_source(&self, relation: &RelationTable) -> String {
        format!("{} AS {}", self.writer.qualified(&relation.relation), self.writer.identifier(self.outer_name()))
    }

    /// The primary key as the terms of ORDER BY: column by column, text as C.
    fn key_order(&self, relation: &RelationTable) -> Vec<String> {
        let term = |name: &String| match self.table.column(name) {
            Some(column) if column.kind.is_string() && column.kind != ColumnKind::Uuid => {
                let seen = self.writer.seen(column);
                let text = if seen == self.writer.column(name) { self.writer.as_text(&seen) } else { seen };
                format!("{text} COLLATE {}", self.writer.c_collation())
            }
            _ => self.writer.column(name),
        };
        relation.key.iter().map(term).collect()
    }

    /// A row as an object of the members that the test reads; NULL columns are left out.
    fn row_object(&self, test: &RowsTest) -> String {
        let mut keys: Vec<&str> = test.paths().into_iter().map(|path| path.first()).collect();
        keys.sort_unstable();
        keys.dedup();
        let writer = self.writer;
        let empty = writer.jsonb("{}");
        let members = keys.into_iter().filter_map(|key| {
            let column = self.table.column(key);
            let member = self.object_of(&[Member { key: key.to_owned(), column, is_compared: true }]);
            let value = match (column, &self.table.properties) {
                (Some(column), _) if column.not_null => return Some(member),
                (Some(column), _) => writer.column(&column.name),
                (None, Some(properties)) => {
                    let operator = writer.operator(&Symbol::Member.into());
                    format!("({} {operator} {})", writer.column(&properties.name), writer.text(key))
                }
                (None, None) => return None,
            };
            Some(format!("CASE WHEN {value} IS NOT NULL THEN {member} ELSE {empty} END"))
        });
        members.reduce(|left, right| format!("{}({left}, {right})", writer.builtin("jsonb_concat"))).unwrap_or(empty)
    }
}
