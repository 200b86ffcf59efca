//! The columns of an index of ours: what its chunks store of a row's values, and how that is read again.

use crate::pg::detoast::Detoasted;
use crate::pg::heap_pages::HeapPages;
use crate::pg::heap_rows::{CopiedRows, RowValues};
use crate::pg::index_pages::{IndexPages, damaged};
use crate::pg::open_index::OpenIndex;
use crate::pg::row::{self, Reader, StoredAs, Value};
use pgrx::pg_sys::{self, Datum, Oid};
use segments_core::columns::{Builder, Chunk, Damage, Given, Natives, Source, read_elements};
use segments_core::document::Folded;
use segments_core::jsonb::Jsonb;
use segments_core::row::Cell;
use segments_core::value::Json;
use std::borrow::Cow;
use std::rc::Rc;

/// The columns of an index.
pub struct IndexedColumns {
    index: String,
    columns: Vec<IndexedColumn>,
    /// The position of the column whose keys have columns of their own in chunks: the first jsonb
    properties: Option<usize>,
}

struct IndexedColumn {
    /// Its number in the table: a name may change
    number: i16,
    name: String,
    reader: Reader,
}

impl IndexedColumns {
    /// The columns of an index.
    pub fn of(index: &OpenIndex) -> Self {
        Self::numbered(index.pages(), index.heap(), index.column_numbers())
    }

    /// The columns of an index, by their numbers in the table.
    pub fn numbered(index: IndexPages<'_>, heap: HeapPages<'_>, numbers: Vec<i16>) -> Self {
        let mut properties = None;
        let columns = numbers.into_iter().enumerate().map(|(position, number)| {
            let type_id = heap.column_type(number);
            // SAFETY: a look-up that accepts any OID of a type.
            if properties.is_none() && unsafe { pg_sys::getBaseType(type_id) } == pg_sys::JSONBOID {
                properties = Some(position);
            }
            IndexedColumn { number, name: heap.column_name(number), reader: Reader::of_type(type_id) }
        });
        let columns = columns.collect();
        IndexedColumns { index: index.name(), columns, properties }
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

    /// The name of the column that chunks know by this one.
    pub fn name_of(&self, stored: &str) -> Option<&str> {
        self.columns.iter().find(|column| column.stored_name() == stored).map(|column| column.name.as_str())
    }

    /// Whether a chunk stores the columns in the way in which they would be stored now.
    pub fn know(&self, chunk: &Chunk) -> bool {
        chunk.sources().all(|source| match source {
            Source::Native(name) => self.name_of(name).is_some(),
            _ => true,
        })
    }

    /// A builder of chunks.
    pub fn builder(&self) -> Builder {
        Builder::new(self.natives().map(|column| column.stored_name()))
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
        let stored: Vec<Option<Cow<'_, [u8]>>> = kept.iter().map(Kept::stored).collect();
        let given: Vec<Given<'_>> = kept.iter().zip(&stored).map(|(kept, stored)| kept.given(stored)).collect();
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
    Json(Detoasted),
}

impl Kept {
    fn stored(&self) -> Option<Cow<'_, [u8]>> {
        match self {
            Kept::Missing => None,
            Kept::Value(value) => value.stored(),
            Kept::Json(text) => Some(Cow::Borrowed(text.bytes())),
        }
    }

    fn given<'v>(&'v self, stored: &'v Option<Cow<'_, [u8]>>) -> Given<'v> {
        match (self, stored) {
            (_, Some(bytes)) => Given::Stored(bytes),
            (Kept::Value(value), None) => value.cell(&[]).map_or(Given::Missing, Given::Value),
            (_, None) => Given::Missing,
        }
    }
}

impl IndexedColumn {
    /// By what chunks know it: its number, and what they store of its values.
    fn stored_name(&self) -> String {
        let stored = match self.reader.stored_as() {
            StoredAs::Value => "",
            StoredAs::Label => "l",
            StoredAs::Folded => "f",
            StoredAs::Json => "j",
        };
        format!("{}{}{stored}", self.number, if self.reader.is_of_arrays() { "a" } else { "" })
    }

    /// # Safety
    /// The datum is a value of the column, and outlives the result.
    unsafe fn keep(&self, datum: Datum) -> Kept {
        // SAFETY: by this function's own condition; json is a varlena.
        unsafe {
            match self.reader.stored_as() {
                StoredAs::Json => Kept::Json(Detoasted::new(datum)),
                StoredAs::Value | StoredAs::Label | StoredAs::Folded => Kept::Value(self.reader.read(datum)),
            }
        }
    }

    /// The value, or the element, that bytes were stored in the place of.
    fn again(&self, stored: &[u8]) -> Result<Again<'static>, Damage> {
        let text = || std::str::from_utf8(stored).map_err(|_| Damage::Malformed("a text is not UTF-8"));
        match self.reader.stored_as() {
            StoredAs::Value => Err(Damage::Malformed("a value is stored in another way than those of its type")),
            StoredAs::Label => {
                let oid = stored.try_into().ok().map(|bytes| Oid::from(u32::from_le_bytes(bytes)));
                let label = oid.and_then(|oid| self.reader.label(oid));
                label.map(Again::Label).ok_or(Damage::Malformed("an enum does not have a label"))
            }
            StoredAs::Folded => {
                let (text, compared) = (text()?, row::fold(text()?));
                Ok(Again::Folded(Folded { text: text.as_bytes().into(), compared: compared.into_bytes().into() }))
            }
            // As it is read from a row.
            StoredAs::Json => Ok(Again::Json(Json::parse(text()?).unwrap_or(Json::Null))),
        }
    }

    fn elements_again<'b>(&self, stored: &'b [u8]) -> Result<Vec<Again<'b>>, Damage> {
        let again = |element| match element {
            Given::Stored(bytes) => self.again(bytes),
            Given::Value(cell) => Ok(Again::Cell(cell)),
            Given::Missing => Ok(Again::Cell(Cell::Null)),
        };
        read_elements(stored)?.into_iter().map(again).collect()
    }
}

/// What is read again of stored bytes. No datum is made of them but the OID of a label that exists, and text that is UTF-8: a
/// datum of any other bytes could crash the server.
enum Again<'b> {
    Cell(Cell<'b>),
    Label(Rc<str>),
    Folded(Folded),
    Json(Json),
}

impl Again<'_> {
    fn cell(&self) -> Cell<'_> {
        match self {
            Again::Cell(cell) => *cell,
            Again::Label(label) => Cell::String(label.as_bytes()),
            Again::Folded(folded) => Cell::Folded(folded),
            Again::Json(json) => Cell::Json(json),
        }
    }
}

impl Natives for IndexedColumns {
    fn read(&self, column: &str, stored: &[u8], see: &mut dyn FnMut(Option<Cell<'_>>)) {
        let Some(column) = self.columns.iter().find(|known| known.name == column) else { return see(None) };
        let read = if column.reader.is_of_arrays() {
            column.elements_again(stored).map(|elements| {
                let cells: Vec<Cell<'_>> = elements.iter().map(Again::cell).collect();
                see(Some(Cell::Array(&cells)));
            })
        } else {
            column.again(stored).map(|value| see(Some(value.cell())))
        };
        if let Err(damage) = read {
            damaged(&self.index, None, damage).raise()
        }
    }
}
