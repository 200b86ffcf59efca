//! The rows of a relation in a sub-query.

use super::{Compiler, ContactTable, Ends, Infix, SqlExpr, Style, Symbol, Writer};
use crate::expr::{Checked, DocumentTest, Expr};
use crate::sql::native::Scalar;
use crate::sql::table::{ColumnKind, ContactKey, RelationTable};

/// The rows of a relation, which a sub-query of a query on contacts reads.
pub(super) struct Related<'a> {
    pub relation: &'a RelationTable,
    contacts: &'a ContactTable,
    outer: Writer<'a>,
    /// The style of the rows' columns, which have the alias as prefix
    style: Style,
}

/// The most bytes of a name (`NAMEDATALEN`, without the terminating zero).
const NAME_BYTES: usize = 63;

impl<'a> Related<'a> {
    pub(super) fn of(contacts: &'a ContactTable, outer: Writer<'a>, relation: &'a RelationTable) -> Self {
        let taken = outer.0.alias.as_deref().unwrap_or(&contacts.name);
        let names = [relation.name.as_str(), "related", "related_rows"];
        let alias = names.into_iter().find(|name| *name != taken && name.len() <= NAME_BYTES);
        let style = Style { alias: alias.map(str::to_owned), ..outer.0.clone() };
        Related { relation, contacts, outer, style }
    }

    pub(super) fn writer(&self) -> Writer<'_> {
        Writer(&self.style)
    }

    /// Compiles conditions on a row.
    pub(super) fn rows(&self) -> Compiler<'_> {
        Compiler { table: &self.relation.rows, writer: self.writer(), joins: None, ends: Ends::Sorted }
    }

    /// The name of the relation, unless it is too long or that of the contacts' table.
    pub(super) fn short_name(&self) -> &str {
        self.style.alias.as_deref().unwrap_or_default()
    }

    pub(super) fn alias(&self) -> String {
        self.writer().identifier(self.short_name())
    }

    /// The table with its alias.
    pub(super) fn source(&self) -> String {
        let (writer, name) = (self.writer(), &self.relation.relation);
        let is_alias = self.style.alias.as_ref() == Some(&name.name);
        let table = writer.qualified(name);
        if is_alias { table } else { format!("{table} AS {}", self.alias()) }
    }

    /// The column that says whose a row is.
    pub(super) fn contact(&self) -> String {
        self.writer().column(&self.relation.rows.id)
    }

    pub(super) fn contact_name(&self) -> String {
        self.writer().identifier(&self.relation.rows.id)
    }

    /// A name for a column of a sub-query beside the column that says whose a row is.
    pub(super) fn name(&self, name: &str) -> String {
        let is_taken = self.relation.rows.id == name;
        self.writer().identifier(&if is_taken { format!("{name}_") } else { name.to_owned() })
    }

    /// The primary key as terms of ORDER BY, each with the direction: column by column, text as C.
    pub(super) fn key_order(&self, direction: &str) -> Vec<String> {
        let (writer, rows) = (self.writer(), &self.relation.rows);
        let term = |name: &String| match rows.column(name) {
            Some(column) if column.kind.is_string() && column.kind != ColumnKind::Uuid => {
                let term = writer.value(column);
                let scalar = Scalar { writer, kind: &column.kind, term: &term, may_be_nan: false };
                format!("{} COLLATE {}{direction}", scalar.text(), writer.c_collation())
            }
            _ => format!("{}{direction}", writer.column(name)),
        };
        self.relation.key.iter().map(term).collect()
    }

    /// The primary key as terms that are compared column by column, text as C; `None` if it has a type that may not have
    /// operators in `pg_catalog`.
    pub(super) fn compared_key(&self) -> Option<Vec<String>> {
        let is_known = self.relation.key.iter().all(|name| self.relation.rows.column(name).is_some());
        is_known.then(|| self.key_order(""))
    }

    pub(super) fn has_contact(&self) -> SqlExpr {
        match self.relation.rows.column(&self.relation.rows.id) {
            Some(column) if column.not_null => SqlExpr::Const(true),
            _ => SqlExpr::IsNotNull(self.contact()),
        }
    }

    /// The row satisfies the condition. It is false or NULL for other rows.
    pub(super) fn satisfying(&self, condition: &Expr<DocumentTest>) -> SqlExpr {
        let atoms: Option<Checked> = condition.try_map(&mut |test| Some(test.clone().into()));
        let rows = self.rows();
        rows.sql(rows.part(&atoms.unwrap_or(Expr::Const(false))))
    }

    pub(super) fn in_scope(&self) -> SqlExpr {
        self.satisfying(&self.relation.scope)
    }

    /// Whether the column, of this type, has the contact's id.
    pub(super) fn is_of_contact(&self, contact: &str) -> SqlExpr {
        SqlExpr::infix(contact, self.equals(), self.id())
    }

    /// Whether the contact is one of those in the query.
    pub(super) fn is_among(&self, query: &str) -> SqlExpr {
        let writer = self.writer();
        SqlExpr::Truth(match writer.is_bare(&self.equals()) {
            true => format!("{} IN ({query})", self.id()),
            false => format!("{} {} ANY ({query})", self.id(), writer.operator(&self.equals())),
        })
    }

    /// Whether the row is of one of the contacts whose [`id`](Self::id) the query has.
    pub(super) fn is_of_any(&self, query: &str) -> SqlExpr {
        let (writer, contact) = (self.writer(), self.contact());
        SqlExpr::Truth(match writer.is_bare(&self.equals()) {
            true => format!("{contact} IN ({query})"),
            false => format!("{contact} {} ANY ({query})", writer.operator(&self.equals())),
        })
    }

    /// Whether the contact is none of those in the query.
    pub(super) fn is_not_among(&self, query: &str) -> SqlExpr {
        let is_of_contact = self.writer().write(&self.is_of_contact(&self.contact()));
        SqlExpr::Truth(format!("EXISTS (SELECT 1 FROM ({query}) AS {} WHERE {is_of_contact})", self.alias())).negate()
    }

    /// Whether there is another row of the same contact, in the scope, that satisfies a condition; `None` if rows cannot be
    /// compared by their contacts.
    pub(super) fn has_other(&self, condition: impl FnOnce(&Related<'_>) -> SqlExpr) -> Option<SqlExpr> {
        let equals = self.equals_itself()?;
        let taken = [self.outer.0.alias.as_deref().unwrap_or(&self.contacts.name), self.short_name()];
        let alias = ["other", "other_rows", "others"].into_iter().find(|name| !taken.contains(name))?;
        let other = Related { style: Style { alias: Some(alias.to_owned()), ..self.style.clone() }, ..*self };
        let is_of_same = SqlExpr::infix(other.contact(), equals, self.contact());
        let found = SqlExpr::and([is_of_same, other.in_scope(), condition(&other)]);
        Some(match found {
            SqlExpr::Const(false) => found,
            found => SqlExpr::Truth(format!("EXISTS (SELECT 1 FROM {}{})", other.source(), other.where_(&found))),
        })
    }

    /// The operator that compares whose rows are; `None` if it is not known to be the one that compares a row with an id.
    fn equals_itself(&self) -> Option<Infix> {
        let kind = |table: &'_ ContactTable| table.column(&table.id).map(|column| column.kind.clone());
        let is_integer =
            |kind: &ColumnKind| matches!(kind, ColumnKind::SmallInt | ColumnKind::Integer | ColumnKind::BigInt);
        match (&self.relation.contact, kind(self.contacts), kind(&self.relation.rows)) {
            (ContactKey::AsText, ..) => Some(Symbol::Eq.into()),
            (_, Some(id), Some(contact)) if id == contact || is_integer(&id) && is_integer(&contact) => {
                Some(self.equals())
            }
            _ => None,
        }
    }

    pub(super) fn where_(&self, condition: &SqlExpr) -> String {
        self.clause("WHERE", condition)
    }

    pub(super) fn having(&self, condition: &SqlExpr) -> String {
        self.clause("HAVING", condition)
    }

    /// A sub-query that has one row if the rows that satisfy the first condition satisfy the second one together.
    pub(super) fn together(&self, found: &SqlExpr, having: &SqlExpr) -> String {
        let count = self.writer().builtin("count");
        format!("SELECT {count}(*) FROM {}{}{}", self.source(), self.where_(found), self.having(having))
    }

    fn clause(&self, keyword: &str, condition: &SqlExpr) -> String {
        match condition {
            SqlExpr::Const(true) => String::new(),
            condition => format!(" {keyword} {}", self.writer().write(condition)),
        }
    }

    fn equals(&self) -> Infix {
        let schema = match &self.relation.contact {
            ContactKey::Equals { operators } => Some(operators.clone()),
            ContactKey::AsText => None,
        };
        Infix { symbol: Symbol::Eq, schema }
    }

    /// The contact's id as the rows have it, prefixed, since rows may have a column of the same name.
    pub(super) fn id(&self) -> String {
        let writer = self.outer;
        let outer = writer.0.alias.as_deref().unwrap_or(&self.contacts.name);
        let id = format!("{}.{}", writer.identifier(outer), writer.identifier(&self.contacts.id));
        match (&self.relation.contact, self.contacts.column(&self.contacts.id).map(|column| &column.kind)) {
            (ContactKey::Equals { .. }, _) => id,
            (_, Some(kind @ ColumnKind::Enum { .. })) if writer.plain(kind, &id) != id => writer.plain(kind, &id),
            (_, Some(ColumnKind::Inet)) => writer.printed(&id),
            _ => writer.as_text(&id),
        }
    }
}
