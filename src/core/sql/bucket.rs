//! Stable shares of the contacts.

use super::Compiler;
use super::table::ColumnKind;
use super::tree::{OneOf, SqlExpr, Symbol};
use crate::expr::BucketTest;

impl Compiler<'_> {
    /// Whether the contact is in one of the buckets, or in none of them where `positive` is false. A contact without an
    /// id is in none.
    pub(super) fn bucket(&self, bucket: &BucketTest, positive: bool) -> SqlExpr {
        let writer = self.writer;
        let id = writer.column(&self.table.id);
        let salt = writer.text(&bucket.salt);
        let of = writer.literal(&ColumnKind::Integer, &bucket.of.to_string());
        let term = format!("{}({id}, {salt}, {of})", writer.own("bucket_of"));
        let texts: Vec<String> = bucket.within.iter().map(u32::to_string).collect();
        let literals: Vec<String> = texts.iter().map(|text| writer.literal(&ColumnKind::Integer, text)).collect();
        let is_in = match literals.as_slice() {
            [literal] => SqlExpr::infix(term, Symbol::Eq, literal.as_str()),
            _ => {
                let array = writer.array(&ColumnKind::Integer, &texts.into_iter().map(Some).collect::<Vec<_>>());
                SqlExpr::OneOf(OneOf { term, operator: Symbol::Eq.into(), literals, array })
            }
        };
        match (positive, self.table.column(&self.table.id)) {
            (true, _) => is_in,
            (false, Some(column)) if column.not_null => is_in.negate(),
            (false, _) => SqlExpr::or([SqlExpr::IsNull(id), is_in.negate()]),
        }
    }
}
