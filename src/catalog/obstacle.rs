//! Why a condition on a relation cannot be counted with the rights of the owner of the contacts' table, as cached counts are. The
//! relation may belong to another role.

use crate::catalog::access;
use crate::catalog::audience::{Audience, TableRef};
use crate::catalog::columns;
use crate::pg::error::Failure;
use crate::pg::{guard, query, security};
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::Oid;
use pgrx::spi::quote_literal;

/// A relation whose rows the owner of the contacts' table may not count.
pub struct Obstacle {
    /// The name of the relation
    relation: String,
    /// The quoted name of its table
    table: String,
    /// The owner of the contacts' table
    owner: Oid,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    RowSecurity,
    NoSelect,
    /// A view, a foreign table or the like, whose owner lacks the rights
    NoPlainTable,
    ForeignCode,
}

impl Obstacle {
    /// The obstacle to counting these columns of a relation; `None` if they can be counted.
    pub fn to_counting(audience: &Audience, relation: &str, columns: &[String]) -> Option<Self> {
        let owner = audience.relation.owner;
        let table = &audience.related(relation)?.rows.as_ref().ok()?.rows.relation;
        let kind = Kind::of(table, columns, owner)?;
        Some(Obstacle { relation: relation.to_owned(), table: table.quoted(), owner, kind })
    }

    /// What an error says of it.
    pub fn message(&self) -> String {
        format!("relation \"{}\" cannot be counted: {}", self.relation, self.kind.reason())
    }

    /// Raises a NOTICE that a segment of the audience has no cached count because of it.
    pub fn notice(&self, segment: &str, audience: &str) {
        Failure::new(PgSqlErrorCode::ERRCODE_WARNING, format!("segment \"{segment}\" has no cached count"))
            .detail(format!("Relation \"{}\" cannot be counted: {}.", self.relation, self.kind.reason()))
            .hint(format!(
                "{}, then call refresh_segments({}). count_contacts() counts with your own rights.",
                self.way_out(),
                quote_literal(audience)
            ))
            .notice();
    }

    fn way_out(&self) -> String {
        let (table, owner) = (&self.table, access::quoted_role(self.owner));
        match self.kind {
            Kind::RowSecurity => format!("Exempt role {owner} from the row security of {table}"),
            Kind::NoSelect => format!("GRANT SELECT ON {table} TO {owner}"),
            Kind::NoPlainTable => format!("Make {owner} the owner of {table}, or attach the table behind it"),
            Kind::ForeignCode => {
                format!(
                    "Make {owner} the owner of {table}, or take others' functions out of its indexes, constraints, statistics and partition keys"
                )
            }
        }
    }
}

impl Kind {
    fn of(relation: &TableRef, columns: &[String], owner: Oid) -> Option<Self> {
        let has_rights = || security::as_role(relation.owner, || security::has_rights_of(owner));
        let runs_code = || query::first(FOREIGN_CODE, &[relation.oid.into(), owner.into()], |row| row.get::<bool>(1));
        if security::as_role(owner, || security::row_security_applies(relation.oid)) {
            Some(Kind::RowSecurity)
        } else if !security::as_role(owner, || columns::may_select(relation.oid, columns)) {
            Some(Kind::NoSelect)
        } else if !guard::may_read(relation.oid, owner) {
            Some(Kind::NoPlainTable)
        } else if !has_rights() && runs_code() == Some(true) {
            Some(Kind::ForeignCode)
        } else {
            None
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Kind::RowSecurity => {
                "row security applies to the owner of the contacts' table, with whose rights counts are kept"
            }
            Kind::NoSelect => {
                "the owner of the contacts' table, with whose rights counts are kept, may not SELECT all columns that are read"
            }
            Kind::NoPlainTable => {
                "unless its owner has the rights of the owner of the contacts' table, it must be a table without row security"
            }
            Kind::ForeignCode => {
                "reading it would run code of others with the rights of the owner of the contacts' table"
            }
        }
    }
}

const FOREIGN_CODE: &str = include_str!("../../sql/queries/foreign_code.sql");
