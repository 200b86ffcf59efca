//! The columns of an index of ours: what its chunks store of a row's values, and how that is read again.

use crate::pg::heap_rows::{CopiedRows, RowValues};
use crate::pg::open_index::OpenIndex;
use crate::pg::row::{Reader, Value};
use pgrx::pg_sys::{self, Datum, Oid};
use segments_core::columns::{Builder, Given, Natives};
use segments_core::jsonb::Jsonb;
use segments_core::row::Cell;

/// The columns of an index.
pub struct IndexedColumns {
    columns: Vec<IndexedColumn>,
    /// The position of the column whose keys have columns of their own in chunks: the first jsonb
    properties: Option<usize>,
}

struct IndexedColumn {
    /// Its number in the table, by which chunks know it: a name may change
    number: i16,
    name: String,
    reader: Reader,
    stored: StoredAs,
}

/// What chunks store of the values of a column.
#[derive(Clone, Copy, PartialEq, Eq)]
enum StoredAs {
    /// What conditions compare
    Value,
    /// The OID of an enum's label, which may be renamed
    Label,
    /// The bytes of the value: what conditions compare depends on more than the value, or has parts
    Bytes,
}

impl IndexedColumns {
    /// The columns of an index.
    pub fn of(index: &OpenIndex) -> Self {
        let heap = index.heap();
        let mut properties = None;
        let numbers = index.column_numbers();
        let columns = numbers.into_iter().enumerate().map(|(position, number)| {
            let type_id = heap.column_type(number);
            let (reader, stored, is_jsonb) = described(type_id);
            if is_jsonb && properties.is_none() {
                properties = Some(position);
            }
            IndexedColumn { number, name: heap.column_name(number), reader, stored }
        });
        let columns = columns.collect();
        IndexedColumns { columns, properties }
    }

    /// The names of the columns that conditions on this table can be answered from. `properties` is the column that has the
    /// custom properties: chunks know keys of one jsonb column alone, and know that one only by its keys.
    pub fn answering(&self, properties: Option<&str>) -> Vec<String> {
        let answers = |(position, column): &(usize, &IndexedColumn)| {
            (self.properties == Some(*position)) == (Some(column.name.as_str()) == properties)
        };
        let names = self.columns.iter().enumerate().filter(answers).map(|(_, column)| column.name.clone());
        names.collect()
    }

    /// The name of the column that chunks know by this number.
    pub fn name_of(&self, stored: &str) -> Option<&str> {
        let number: i16 = stored.parse().ok()?;
        self.columns.iter().find(|column| column.number == number).map(|column| column.name.as_str())
    }

    /// A builder of chunks.
    pub fn builder(&self) -> Builder {
        Builder::new(self.natives().map(|column| column.number.to_string()))
    }

    /// The columns but that of the properties.
    fn natives(&self) -> impl Iterator<Item = &IndexedColumn> {
        let is_native = |(position, _): &(usize, _)| self.properties != Some(*position);
        self.columns.iter().enumerate().filter(is_native).map(|(_, column)| column)
    }

    /// Adds the rows of a page to a chunk.
    pub fn add(&self, block: u32, rows: &CopiedRows<'_>, builder: &mut Builder) {
        builder.begin_block(block);
        rows.each(|row| self.add_row(row, builder));
    }

    fn add_row(&self, row: &RowValues<'_>, builder: &mut Builder) {
        let read = |column: &IndexedColumn| match row.get(column.number) {
            None => Kept::Missing,
            // SAFETY: the value is of the column, whose type the reader was made for, and outlives the builder's step.
            Some(datum) => unsafe { column.keep(datum) },
        };
        let kept: Vec<Kept> = self.natives().map(read).collect();
        let elements: Vec<Vec<Cell<'_>>> = kept.iter().map(Kept::elements).collect();
        let given: Vec<Given<'_>> = kept.iter().zip(&elements).map(|(kept, elements)| kept.given(elements)).collect();
        let properties = self.properties.and_then(|position| row.get(self.columns[position].number));
        // SAFETY: the value is of a jsonb column, and the row outlives this call.
        let properties = properties.map(|datum| unsafe { crate::pg::detoast::Detoasted::new(datum) });
        builder.push(&given, properties.as_ref().map(|jsonb| Jsonb::new(jsonb.bytes()).root()));
    }
}

/// A value that is given to a chunk.
enum Kept {
    Missing,
    Value(Value),
    Bytes(Vec<u8>),
}

impl Kept {
    fn elements(&self) -> Vec<Cell<'_>> {
        if let Kept::Value(value) = self { value.elements() } else { Vec::new() }
    }

    fn given<'v>(&'v self, elements: &'v [Cell<'v>]) -> Given<'v> {
        match self {
            Kept::Missing => Given::Missing,
            Kept::Value(value) => value.cell(elements).map_or(Given::Missing, Given::Value),
            Kept::Bytes(bytes) => Given::Stored(bytes),
        }
    }
}

impl IndexedColumn {
    /// # Safety
    /// The datum is a value of the column, and outlives the result.
    unsafe fn keep(&self, datum: Datum) -> Kept {
        match self.stored {
            // SAFETY: by this function's own condition.
            StoredAs::Value => Kept::Value(unsafe { self.reader.read(datum) }),
            StoredAs::Label => Kept::Bytes((datum.value() as u32).to_le_bytes().into()),
            // SAFETY: by this function's own condition; these types are varlenas.
            StoredAs::Bytes => Kept::Bytes(unsafe { crate::pg::detoast::Detoasted::new(datum).bytes().to_vec() }),
        }
    }
}

/// How values of a type are read, what is stored of them, and whether it is jsonb.
fn described(type_id: Oid) -> (Reader, StoredAs, bool) {
    // SAFETY: catalog look-ups, which accept any OID of a type.
    let (base, is_enum, is_array) = unsafe {
        let base = pg_sys::getBaseType(type_id);
        (base, pg_sys::type_is_enum(base), pg_sys::get_element_type(base) != Oid::INVALID)
    };
    let reader = Reader::of_type(type_id);
    let stored = if is_enum {
        StoredAs::Label
    } else if is_array || reader.is_stored_as_bytes() {
        StoredAs::Bytes
    } else {
        StoredAs::Value
    };
    (reader, stored, base == pg_sys::JSONBOID)
}

impl Natives for IndexedColumns {
    fn read(&self, column: &str, stored: &[u8], see: &mut dyn FnMut(Option<Cell<'_>>)) {
        let Some(column) = self.columns.iter().find(|known| known.name == column) else { return see(None) };
        let mut words;
        let datum = match column.stored {
            StoredAs::Value => return see(None),
            StoredAs::Label => {
                let Some(oid) = stored.first_chunk() else { return see(None) };
                Datum::from(u32::from_le_bytes(*oid))
            }
            StoredAs::Bytes => {
                let length = pg_sys::VARHDRSZ + stored.len();
                words = vec![0u64; length.div_ceil(8)];
                let varlena = words.as_mut_ptr().cast::<pg_sys::varlena>();
                // SAFETY: there is room for the header and the bytes.
                unsafe {
                    pgrx::set_varsize_4b(varlena, length as i32);
                    let bytes = varlena.cast::<u8>().add(pg_sys::VARHDRSZ);
                    std::ptr::copy_nonoverlapping(stored.as_ptr(), bytes, stored.len());
                }
                Datum::from(varlena)
            }
        };
        // SAFETY: it is made again of what was stored of a value of the column, whose type has not changed, because the index
        // would have been built again. The value is not used after the call.
        let value = unsafe { column.reader.read(datum) };
        let elements = value.elements();
        see(value.cell(&elements));
    }
}
