//! Tests on rows that SQL cannot express exactly, put with `@~` to a document with the array of rows.
//!
//! The rows in it have what the test reads of them alone: the values of an aggregate, or the time of a row, with each
//! condition as a member that tells whether SQL found that it holds.

use super::aggregate::Aggregates;
use super::{Infix, SqlExpr};
use crate::ast::Aggregate;
use crate::expr::{
    Absence, Asked, DocumentTest, ElementsTest, Expr, FieldTest, SequenceStep, TimeOf, ValueTest, ValuesTest,
};
use crate::path::Path;
use crate::sql::pair::Member;
use crate::value::Value;

/// The key of the array
const ROWS: &str = "rows";
/// The key of the value that is aggregated, or that orders rows
const VALUE: &str = "value";

impl Aggregates<'_> {
    pub(super) fn values_document(&self, aggregate: Aggregate, values: &ValuesTest, positive: bool) -> SqlExpr {
        let member = self.member(&values.path);
        let values = ValuesTest { path: renamed(&values.path), ..values.clone() };
        self.matching(&[member], false, Asked::Of(aggregate, vec![values]), positive)
    }

    /// A test on rows in an order that no column has.
    pub(super) fn ordered_document(&self, asked: &Asked, positive: bool) -> SqlExpr {
        let mut members: Vec<String> = Vec::new();
        let mut told = |condition: &Expr<DocumentTest>| {
            let writer = self.related.writer();
            let key = members.len().to_string();
            let holds = writer.write(&self.related.satisfying(condition));
            members.push(format!("{}, ({holds}) IS TRUE", writer.text(&key)));
            let test = ValueTest::Eq(Value::Bool(true));
            Expr::Test(DocumentTest::Field(FieldTest { path: Path::from_keys(vec![key]), read_as: None, test }))
        };
        let timed = |by: &Option<TimeOf>| by.as_ref().map(|by| TimeOf { path: renamed(&by.path), ..by.clone() });
        let (asked, by) = match asked {
            Asked::End { is_last, condition, by } => {
                (Asked::End { is_last: *is_last, condition: told(condition), by: timed(by) }, by)
            }
            Asked::Sequence { steps, by } => {
                let step = |step: &SequenceStep| SequenceStep {
                    condition: told(&step.condition),
                    within: step.within,
                    absences: step
                        .absences
                        .iter()
                        .map(|absence| Absence { condition: told(&absence.condition), ..absence.clone() })
                        .collect(),
                };
                (Asked::Sequence { steps: steps.iter().map(step).collect(), by: timed(by) }, by)
            }
            asked => (asked.clone(), &None),
        };
        members.extend(by.as_ref().map(|by| self.member(&by.path)));
        self.matching(&members, by.as_ref().is_some_and(|by| by.is_stable), asked, positive)
    }

    fn matching(&self, members: &[String], in_order: bool, asked: Asked, positive: bool) -> SqlExpr {
        let writer = self.related.writer();
        let object = writer.builtin("jsonb_build_object");
        let order = if in_order { self.related.key_order("") } else { vec![] };
        let order = if order.is_empty() { String::new() } else { format!(" ORDER BY {}", order.join(", ")) };
        let array = self.over("jsonb_agg", &format!("{object}({}){order}", members.join(", ")), SqlExpr::Const(true));
        let elements = ValueTest::Elements(Box::new(ElementsTest { filter: None, asked }));
        let path = Path::from_keys(vec![ROWS.to_owned()]);
        let test = Expr::Test(DocumentTest::Field(FieldTest { path, read_as: None, test: elements }));
        let condition = writer.condition(&test.to_condition().to_string());
        let matches: Infix = writer.matches();
        let sql = SqlExpr::infix(format!("{object}({}, {array})", writer.text(ROWS)), matches, condition);
        if positive { sql } else { sql.negate() }
    }

    /// The member with the value at the path, or with an object that has it.
    fn member(&self, path: &Path) -> String {
        let writer = self.related.writer();
        let rows = self.related.rows();
        let key = path.first();
        let member = Member { key: key.to_owned(), column: rows.table.column(key), is_compared: true };
        let value = rows.member_value(&member).unwrap_or_else(|| "NULL".to_owned());
        format!("{}, {value}", writer.text(VALUE))
    }
}

/// The path under the key that the member has.
fn renamed(path: &Path) -> Path {
    let keys = [VALUE.to_owned()].into_iter().chain(path.rest().iter().cloned());
    Path::from_keys(keys.collect())
}
