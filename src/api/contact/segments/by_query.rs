//! Segments that read relations. A row of a contact does not decide them, so a query does, for all of them at once.

use crate::catalog::audience::Audience;
use crate::catalog::contact_sql;
use crate::pg::plan::KeptPlan;
use crate::pg::query;
use crate::pg::spi::connected;
use pgrx::pg_sys::TEXTOID;
use pgrx::spi::quote_identifier;
use segments_core::expr::Checked;
use std::cell::OnceCell;

/// A query for which of some segments a contact is a member of.
pub struct SegmentsQuery {
    /// The numbers of the segments
    numbers: Vec<usize>,
    sql: String,
    plan: OnceCell<KeptPlan>,
}

impl SegmentsQuery {
    /// The query for segments with these numbers and conditions; `None` if there are none.
    pub fn new(audience: &Audience, segments: Vec<(usize, Checked)>) -> Option<Self> {
        let is_member = |(_, checked): &(usize, Checked)| {
            format!("({}) IS TRUE", contact_sql::executable_sql_for_one(audience, checked))
        };
        let members: Vec<String> = segments.iter().map(is_member).collect();
        let sql = format!(
            "SELECT ARRAY[{}]::pg_catalog.bool[] FROM {} WHERE {}",
            members.join(", "),
            audience.relation.quoted(),
            audience.id.is(&quote_identifier(&audience.id.name), "$1")
        );
        let numbers: Vec<usize> = segments.into_iter().map(|(number, _)| number).collect();
        (!numbers.is_empty()).then(|| SegmentsQuery { numbers, sql, plan: OnceCell::new() })
    }

    /// The numbers of the segments that a contact is a member of, read with the rights of the current role. If several rows
    /// have the id, it is a member if one of them is.
    pub fn of_contact(&self, contact_id: &str) -> Vec<usize> {
        let rows = connected(|session| {
            let plan = self.plan.get_or_init(|| session.prepare_for_any(&self.sql, &[TEXTOID]));
            query::kept_rows(session, plan, &[contact_id.into()], |row| row.get::<Vec<bool>>(1))
        });
        let members = |row: Vec<bool>| {
            let members = self.numbers.iter().zip(row).filter(|(_, is_member)| *is_member);
            members.map(|(number, _)| *number).collect::<Vec<usize>>()
        };
        rows.into_iter().flat_map(members).collect()
    }
}
