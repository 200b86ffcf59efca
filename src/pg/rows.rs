//! Evaluating many conditions for a row at once.

use crate::pg::error::internal;
use crate::pg::row::{Reader, Value};
use crate::pg::tuple::Tuple;
use pgrx::pg_sys::{Datum, Oid};
use segments_core::document::{Node, Object, View};
use segments_core::locator::Locator;
use segments_core::program::Surroundings;
use segments_core::program_set::{Matches, ProgramSet};
use segments_core::row::Cell;
use segments_core::row_conditions::ColumnKey;
use smallvec::SmallVec;

/// Compiled conditions over rows whose columns have a known order.
pub struct RowProgram {
    set: ProgramSet,
    reader: RowReader,
}

/// Reads the values of keys from rows whose columns have a known order.
pub struct RowReader {
    /// How many keys there are
    keys: usize,
    columns: Vec<PropertyColumn>,
    properties: Option<CustomProperties>,
    /// The positions that are read, and the types that `type_of` gave for them
    types: Vec<(usize, Oid)>,
}

/// A column that holds a native property.
struct PropertyColumn {
    /// The position of the property's key among the keys of the set
    slot: usize,
    position: usize,
    reader: Reader,
}

/// The column that holds custom properties.
struct CustomProperties {
    position: usize,
    reader: Reader,
    /// The keys that are custom properties, in key order, and their positions among the keys of the set
    locator: Locator,
    slots: Vec<usize>,
}

/// How many keys are looked up, and how many columns are read, without allocating.
const INLINE_KEYS: usize = 32;
const INLINE_COLUMNS: usize = 8;

impl RowProgram {
    /// Compiles the conditions of `set`. Its keys are read as [`RowReader::new`] says.
    pub fn new(
        set: ProgramSet,
        fields: &[ColumnKey],
        properties: Option<usize>,
        type_of: impl Fn(usize) -> Oid,
    ) -> Self {
        RowProgram { reader: RowReader::new(set.keys(), fields, properties, type_of), set }
    }

    /// How many conditions there are.
    pub fn len(&self) -> usize {
        self.set.len()
    }

    /// The position of the column with custom properties; `None` if it is not read, or is neither json nor jsonb.
    pub fn documents(&self) -> Option<usize> {
        let properties = self.reader.properties.as_ref();
        properties.filter(|properties| properties.reader.is_of_documents()).map(|found| found.position)
    }

    /// Finds the conditions that a row of a query satisfies. The row begins with the columns of the program.
    pub fn matching_tuple(&self, tuple: &Tuple, surroundings: Surroundings<'_>, matches: &mut Matches) {
        let find = |found: &[Option<Cell<'_>>], matches: &mut Matches| {
            self.set.matching_fields(found, surroundings, matches);
        };
        self.reader.read_tuple(tuple, matches, find);
    }

    /// Finds the conditions that a row satisfies.
    ///
    /// # Safety
    /// As for [`RowReader::read`].
    pub unsafe fn matching(
        &self,
        datum: impl Fn(usize) -> Option<Datum>,
        surroundings: Surroundings<'_>,
        matches: &mut Matches,
    ) {
        // SAFETY: by this function's own condition.
        unsafe {
            self.reader.read(datum, matches, |found, matches| self.set.matching_fields(found, surroundings, matches));
        }
    }
}

impl RowReader {
    /// A key of one of the `fields` is read from the column at its position, every other key from the column with custom
    /// properties. `type_of` gives the type of the column at a position.
    pub fn new(
        keys: &[String],
        fields: &[ColumnKey],
        properties: Option<usize>,
        type_of: impl Fn(usize) -> Oid,
    ) -> Self {
        let mut types = Vec::new();
        // `type_of` is called once for each position, so that `matching_tuple` compares with the type that the reader
        // was made for.
        let mut reader = |position: usize| {
            let type_id = type_of(position);
            types.push((position, type_id));
            Reader::of_type(type_id)
        };
        let slot_of = |field: &ColumnKey| keys.iter().position(|key| *key == field.key);
        let column = |field: &ColumnKey| {
            Some(PropertyColumn { slot: slot_of(field)?, position: field.position, reader: reader(field.position) })
        };
        let columns: Vec<PropertyColumn> = fields.iter().filter_map(column).collect();
        let slots: Vec<usize> =
            (0..keys.len()).filter(|slot| columns.iter().all(|column| column.slot != *slot)).collect();
        let properties = properties.filter(|_| !slots.is_empty()).map(|position| CustomProperties {
            position,
            reader: reader(position),
            locator: Locator::new(slots.iter().map(|slot| keys[*slot].clone()).collect()),
            slots,
        });
        RowReader { keys: keys.len(), columns, properties, types }
    }

    /// Reads the values of a row of a query as [`read`](Self::read) does. The row begins with the columns of the reader.
    pub fn read_tuple<T>(
        &self,
        tuple: &Tuple,
        matches: &mut Matches,
        then: impl FnOnce(&[Option<Cell<'_>>], &mut Matches) -> T,
    ) -> T {
        let mut types = self.types.iter();
        if !types.all(|(position, type_id)| tuple.type_of(position + 1) == *type_id) {
            internal("the row has other columns than the conditions were compiled for").raise()
        }
        // SAFETY: the columns have the types that the readers were made for, and the row outlives the call.
        unsafe { self.read(|position| tuple.datum(position + 1), matches, then) }
    }

    /// Reads the values of a row, one for each key, and passes them on with `matches`, whose memory of documents is used.
    ///
    /// # Safety
    /// `datum` gives the value at a position, `None` for NULL. The value has the type that `type_of` gave for the
    /// position, and outlives the call.
    pub unsafe fn read<T>(
        &self,
        datum: impl Fn(usize) -> Option<Datum>,
        matches: &mut Matches,
        then: impl FnOnce(&[Option<Cell<'_>>], &mut Matches) -> T,
    ) -> T {
        let read = |position: usize, reader: &Reader| match datum(position) {
            // SAFETY: by this function's own condition.
            Some(datum) => unsafe { reader.read(datum) },
            None => Value::Missing,
        };
        let values: SmallVec<[Value; INLINE_COLUMNS]> =
            self.columns.iter().map(|column| read(column.position, &column.reader)).collect();
        let elements: SmallVec<[Vec<Cell<'_>>; INLINE_COLUMNS]> = values.iter().map(Value::elements).collect();
        let properties = self.properties.as_ref().map(|properties| read(properties.position, &properties.reader));
        let mut found: SmallVec<[Option<Cell<'_>>; INLINE_KEYS]> = SmallVec::new();
        found.resize(self.keys, None);
        for ((column, value), elements) in self.columns.iter().zip(&values).zip(&elements) {
            found[column.slot] = value.cell(elements);
        }
        if let (Some(CustomProperties { locator, slots, .. }), Some(properties)) = (&self.properties, &properties)
            && let Some(View::Object(object)) = properties.cell(&[]).map(Node::view)
        {
            object.locate(locator, matches.layouts(), |position, value| found[slots[position]] = Some(value));
        }
        then(&found, matches)
    }
}
