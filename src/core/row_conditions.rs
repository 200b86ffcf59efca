//! Conditions on the rows of an audience's table, many at once.
//!
//! The results are those of compiled SQL (`crate::sql`): native columns are properties, and NULL is missing. Conditions
//! are first adapted to the types of columns, for instance to `citext`, which ignores case.

use crate::expr::{
    Absence, Asked, Atom, Checked, Constant, DocumentTest, ElementTest, ElementsTest, Expr, FieldTest, RowsAsked,
    RowsTest, SequenceStep, ValueTest, ValuesTest,
};
use crate::path::Path;
use crate::pattern::Needle;
use crate::sql::{ColumnKind, ContactTable, NativeColumn, canonical_uuid};
use crate::types::JsonType;
use crate::value::Value;

/// A key that conditions read from a native column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnKey {
    /// The key
    pub key: String,
    /// The position of the column among those that are read
    pub position: usize,
}

/// The columns that conditions on rows read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// Their names, in the order in which they are read
    pub names: Vec<String>,
    /// The keys that are read from one of them
    pub fields: Vec<ColumnKey>,
    /// The position of the column with the custom properties
    pub properties: Option<usize>,
}

impl Columns {
    /// The columns that the conditions read; [`on_row`] must have adapted these.
    pub fn of<'c>(conditions: impl IntoIterator<Item = &'c Checked>, table: &ContactTable) -> Self {
        let mut columns = Columns::default();
        for condition in conditions {
            columns.add(condition, table);
        }
        columns
    }

    /// Adds the columns that another condition reads.
    pub fn add(&mut self, condition: &Checked, table: &ContactTable) {
        self.add_paths(condition.paths(), table);
    }

    /// Adds the columns that have the values of fields.
    pub fn add_paths<'p>(&mut self, paths: impl IntoIterator<Item = &'p Path>, table: &ContactTable) {
        for path in paths {
            let key = path.first();
            if self.fields.iter().any(|field| field.key == key) {
                continue;
            }
            match (table.column(key), &table.properties) {
                (Some(column), _) => {
                    let position = self.position(&column.name);
                    self.fields.push(ColumnKey { key: key.to_owned(), position });
                }
                (None, Some(properties)) => self.properties = Some(self.position(&properties.name)),
                (None, None) => {}
            }
        }
    }

    /// The position of a column; adds it if it is not read yet.
    pub fn position(&mut self, name: &str) -> usize {
        let known = self.names.iter().position(|known| known == name);
        known.unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        })
    }
}

/// Adapts a condition to the rows of a table, and to those of its relations. `fold` turns text into lower case as `citext`
/// does.
pub fn on_row(condition: &Checked, table: &ContactTable, fold: fn(&str) -> String) -> Checked {
    let adapted = condition.try_map(&mut |atom| {
        Some(match atom {
            Atom::Field(field) => Atom::Field(field_on_row(field, table, fold)),
            Atom::Rows(rows) => Atom::Rows(match table.relation(&rows.relation) {
                Some(relation) => Rows { table: &relation.rows, fold }.adapted(rows),
                None => rows.clone(),
            }),
            Atom::Pair(_) | Atom::Bucket(_) | Atom::Topic(_) => atom.clone(),
        })
    });
    adapted.unwrap_or(Expr::Const(false))
}

fn field_on_row(field: &FieldTest, table: &ContactTable, fold: fn(&str) -> String) -> FieldTest {
    match table.column(field.path.first()) {
        Some(NativeColumn { kind: ColumnKind::Array(element), .. }) => {
            FieldTest { test: adapt(&field.test, element, fold), ..field.clone() }
        }
        Some(NativeColumn { kind, .. }) if field.path.rest().is_empty() => {
            FieldTest { test: adapt(&field.test, kind, fold), ..field.clone() }
        }
        _ => field.clone(),
    }
}

/// The rows of a relation, to which tests are adapted.
struct Rows<'t> {
    table: &'t ContactTable,
    fold: fn(&str) -> String,
}

impl Rows<'_> {
    fn adapted(&self, rows: &RowsTest) -> RowsTest {
        let asked = match &rows.asked {
            RowsAsked::Some(condition) => RowsAsked::Some(self.condition(condition)),
            RowsAsked::Elements(elements) => RowsAsked::Elements(Box::new(ElementsTest {
                filter: elements.filter.as_ref().map(|filter| self.condition(filter)),
                asked: self.asked(&elements.asked),
            })),
        };
        RowsTest { relation: rows.relation.clone(), asked }
    }

    fn asked(&self, asked: &Asked) -> Asked {
        let absence = |absence: &Absence| Absence { condition: self.condition(&absence.condition), ..absence.clone() };
        let step = |step: &SequenceStep| SequenceStep {
            condition: self.condition(&step.condition),
            within: step.within,
            absences: step.absences.iter().map(absence).collect(),
        };
        match asked {
            Asked::Every(condition) => Asked::Every(self.condition(condition)),
            Asked::Count(_) => asked.clone(),
            Asked::Of(aggregate, values) => {
                Asked::Of(*aggregate, values.iter().map(|values| self.values(values)).collect())
            }
            Asked::End { is_last, condition, by } => {
                Asked::End { is_last: *is_last, condition: self.condition(condition), by: by.clone() }
            }
            Asked::Sequence { steps, by } => {
                Asked::Sequence { steps: steps.iter().map(step).collect(), by: by.clone() }
            }
        }
    }

    fn condition(&self, condition: &Expr<DocumentTest>) -> Expr<DocumentTest> {
        let adapted = condition.try_map(&mut |test| {
            Some(match test {
                DocumentTest::Field(field) => DocumentTest::Field(field_on_row(field, self.table, self.fold)),
                DocumentTest::Pair(_) => test.clone(),
            })
        });
        adapted.unwrap_or(Expr::Const(false))
    }

    /// The least and the greatest text of a column that ignores case are compared as the column's values are; other texts
    /// are compared by their bytes, whatever the column.
    fn values(&self, values: &ValuesTest) -> ValuesTest {
        let column = self.table.column(values.path.first()).filter(|_| values.path.rest().is_empty());
        match column.map(|column| &column.kind) {
            Some(kind @ ColumnKind::Citext { .. }) => {
                let asked = values.asked.try_map(&mut |test| Some(adapt(test, kind, self.fold)));
                ValuesTest { asked: asked.unwrap_or(Expr::Const(false)), ..values.clone() }
            }
            _ => values.clone(),
        }
    }
}

/// Adapts a test to a column of this type, or of arrays of it.
fn adapt(test: &ValueTest, kind: &ColumnKind, fold: fn(&str) -> String) -> ValueTest {
    let change = |constant: &Constant| changed(constant, &|text| text_of(kind, text, fold));
    match test {
        ValueTest::Eq(constant) => ValueTest::Eq(change(constant)),
        ValueTest::In(constants) => ValueTest::In(constants.iter().map(change).collect()),
        // Uuids have the same order as their text.
        ValueTest::Compare(comparison, constant) if *kind != ColumnKind::Uuid => {
            ValueTest::Compare(*comparison, change(constant))
        }
        ValueTest::Text(test, needle) if matches!(kind, ColumnKind::Citext { .. }) && needle.is_exact() => {
            // A test that does not ignore case cannot be too large.
            let folded = Needle::compile(*test, &fold(needle.text()), None);
            ValueTest::Text(*test, folded.unwrap_or_else(|_| needle.clone()))
        }
        ValueTest::Type(types) if kind.json_type() == Some(JsonType::Number) => is_of_type(types),
        ValueTest::ElemMatch(element) => match &**element {
            ElementTest::Value { read_as, tests } => {
                let adapted = tests.try_map(&mut |test| Some(adapt(test, kind, fold)));
                let tests = adapted.unwrap_or(Expr::Const(false));
                ValueTest::ElemMatch(Box::new(ElementTest::Value { read_as: *read_as, tests }))
            }
            ElementTest::Object(_) => test.clone(),
        },
        _ => test.clone(),
    }
}

fn changed(constant: &Constant, change: &dyn Fn(&str) -> String) -> Constant {
    match constant {
        Value::String(text) => Value::String(change(text)),
        Value::Array(items) => Value::Array(items.iter().map(|item| changed(item, change)).collect()),
        other => other.clone(),
    }
}

/// The text that a value of this type has in comparisons if it equals `text`.
fn text_of(kind: &ColumnKind, text: &str, fold: fn(&str) -> String) -> String {
    match kind {
        ColumnKind::Char { .. } => text.trim_end_matches(' ').to_owned(),
        ColumnKind::Citext { .. } => fold(text),
        // The text may have capital letters.
        ColumnKind::Uuid => canonical_uuid(text).unwrap_or_else(|| text.to_owned()),
        _ => text.to_owned(),
    }
}

/// The test whether a number is of one of these types. NaN counts as a number, but is read as a string.
fn is_of_type(types: &[JsonType]) -> ValueTest {
    let mut types: Vec<JsonType> = types.iter().copied().filter(|json_type| *json_type != JsonType::String).collect();
    if types.contains(&JsonType::Number) {
        types.push(JsonType::String);
    }
    if types.is_empty() { ValueTest::In(vec![]) } else { ValueTest::Type(types) }
}
