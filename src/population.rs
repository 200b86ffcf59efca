//! Conditions put to the rows of an audience's table, many at once.
//!
//! A row answers as compiled SQL (`segments_core::sql`) would: native columns are properties, NULL is missing, and what
//! is particular to a column's type, such as `citext` that ignores case, is brought into the conditions beforehand.

use segments_core::expr::{Atom, Checked, Constant, Expr, FieldTest, ValueTest};
use segments_core::path::Path;
use segments_core::sql::{Column, ColumnKind, Table, canonical_uuid};
use segments_core::value::Value;

/// A key that conditions read from a native column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub key: String,
    /// The column's position among those that are read
    pub position: usize,
    /// Whether it is read in lower case
    pub folds: bool,
}

/// The columns that conditions on rows read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// Their names, in the order in which they are read
    pub names: Vec<String>,
    pub fields: Vec<Field>,
    /// The position of the column with the custom properties
    pub properties: Option<usize>,
}

impl Columns {
    /// What the conditions, made ready by [`on_row`], read of the table.
    pub fn of<'c>(conditions: impl IntoIterator<Item = &'c Checked>, table: &Table) -> Self {
        let mut columns = Columns::default();
        for condition in conditions {
            columns.add(condition, table);
        }
        columns
    }

    /// Adds what another condition reads.
    pub fn add(&mut self, condition: &Checked, table: &Table) {
        condition.for_each(&mut |atom| {
            let Atom::Field(field) = atom else { return };
            let key = field.path.first();
            if self.fields.iter().any(|field| field.key == key) {
                return;
            }
            let native = |folds: bool| {
                let name = if folds { key.strip_suffix(FOLDED)? } else { key };
                Some((table.column(name)?, folds))
            };
            match (native(false).or_else(|| native(true)), &table.properties) {
                (Some((column, folds)), _) => {
                    let position = self.position(&column.name);
                    self.fields.push(Field { key: key.to_owned(), position, folds });
                }
                (None, Some(properties)) => self.properties = Some(self.position(&properties.name)),
                (None, None) => {}
            }
        });
    }

    /// The position of a column, which is read from now on.
    pub fn position(&mut self, name: &str) -> usize {
        let known = self.names.iter().position(|known| known == name);
        known.unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        })
    }
}

/// What the key of a column in lower case ends with. It makes keys longer than the 100 characters that a property's
/// name may have, so no other key is like it.
const FOLDED: &str = concat!(
    " in lower case .........................................",
    "..............................................."
);

/// The condition as rows are asked it. `fold` gives text in lower case, as `citext` compares it.
pub fn on_row(condition: &Checked, table: &Table, fold: fn(&str) -> String) -> Checked {
    let adapted = condition.try_map(&mut |atom| {
        Some(match atom {
            Atom::Field(field) => Atom::Field(match table.column(field.path.first()) {
                Some(column) if field.path.rest().is_empty() => adapt(field, column, fold),
                _ => field.clone(),
            }),
            Atom::Topic(topic) => Atom::Topic(topic.clone()),
        })
    });
    adapted.unwrap_or(Expr::Const(false))
}

/// Whether the condition speaks of nothing but the row.
pub fn is_of_row(condition: &Checked) -> bool {
    let mut is_of_row = true;
    condition.for_each(&mut |atom| is_of_row &= matches!(atom, Atom::Field(_)));
    is_of_row
}

/// The test on a column as it is asked of the column's values.
fn adapt(field: &FieldTest, column: &Column, fold: fn(&str) -> String) -> FieldTest {
    let (kind, is_array) = match &column.kind {
        ColumnKind::Array(element) => (&**element, true),
        kind => (kind, false),
    };
    let change = |change: &dyn Fn(&str) -> String| match &field.test {
        ValueTest::Eq(constant) => Some(ValueTest::Eq(changed(constant, change))),
        ValueTest::In(constants) => Some(ValueTest::In(constants.iter().map(|one| changed(one, change)).collect())),
        // The elements of an array are compared as they are.
        ValueTest::Compare(comparison, constant) if !is_array => {
            Some(ValueTest::Compare(*comparison, changed(constant, change)))
        }
        _ => None,
    };
    let with = |test| FieldTest { test, ..field.clone() };
    match (kind, &field.test) {
        // A column's type is known; a value that is not a number, NaN, counts as one.
        (_, ValueTest::Type(types)) if !is_array && !matches!(kind, ColumnKind::Json | ColumnKind::Jsonb) => {
            let own = kind.json_type();
            with(if own.is_some_and(|own| types.contains(&own)) { ValueTest::Exists } else { ValueTest::In(vec![]) })
        }
        (ColumnKind::Char { .. }, _) => match change(&|text| text.trim_end_matches(' ').to_owned()) {
            Some(test) => with(test),
            None => field.clone(),
        },
        (ColumnKind::Citext { .. }, _) => match change(&fold) {
            Some(test) => {
                let key = format!("{}{FOLDED}", field.path.first());
                FieldTest { path: Path::from_keys(vec![key]), ..with(test) }
            }
            None => field.clone(),
        },
        // A uuid may be written in capitals; its order is that of its text.
        (ColumnKind::Uuid, ValueTest::Eq(_) | ValueTest::In(_)) => match change(&in_small_letters) {
            Some(test) => with(test),
            None => field.clone(),
        },
        _ => field.clone(),
    }
}

fn changed(constant: &Constant, change: &dyn Fn(&str) -> String) -> Constant {
    match constant {
        Value::String(text) => Value::String(change(text)),
        Value::Array(items) => Value::Array(items.iter().map(|item| changed(item, change)).collect()),
        other => other.clone(),
    }
}

fn in_small_letters(uuid: &str) -> String {
    canonical_uuid(uuid).unwrap_or_else(|| uuid.to_owned())
}
