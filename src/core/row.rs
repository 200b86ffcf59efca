//! The values of a table's columns, as the values of documents.
//!
//! Conditions see a row as an object that has a member for each column, and the members of the properties column. Only
//! the columns that conditions name are read, each into a [`Cell`], which borrows the value from the row.

use crate::date::Moment;
use crate::decimal::{Digit, Number};
use crate::document::{Array, Folded, Node, Object, View};
use crate::jsonb::numeric::read_payload;
use crate::jsonb::{JsonbArray, JsonbNode, JsonbObject};
use crate::locator::{Layouts, Locator};
use crate::value::Json;

/// The value of a column, or a value inside it. A column that is NULL has no value.
#[derive(Clone, Copy, Debug)]
pub enum Cell<'d> {
    /// `null`: a NULL element of an array
    Null,
    /// A boolean
    Bool(bool),
    /// A number
    Number(Number<'d>),
    /// Text
    String(&'d [u8]),
    /// Text that is compared without regard to case
    Folded(&'d Folded),
    /// A date or a timestamp
    Moment(Moment),
    /// An array
    Array(&'d [Cell<'d>]),
    /// The value of a `json` column, or a value inside it
    Json(&'d Json),
    /// The value of a `jsonb` column, or a value inside it
    Jsonb(JsonbNode<'d>),
}

impl<'d> Cell<'d> {
    /// Reads a `numeric` without its varlena header. Infinity is greater than all numbers, and NaN is a string, as in
    /// `to_jsonb`.
    #[must_use]
    pub fn numeric(payload: &'d [u8]) -> Self {
        match (read_payload(payload), payload.first_chunk::<2>().map(|header| u16::from_ne_bytes(*header))) {
            (Some(number), _) => Cell::Number(number),
            (None, Some(0xD000)) => Cell::infinity(false),
            (None, Some(0xF000)) => Cell::infinity(true),
            (None, _) => Cell::NAN,
        }
    }

    /// NaN: a value that no number is compared with.
    pub const NAN: Cell<'static> = Cell::String(b"NaN");

    /// Infinity: greater than all numbers or, if `negative`, less than all.
    #[must_use]
    pub fn infinity(negative: bool) -> Cell<'static> {
        const ONE: [Digit; 1] = [1u16.to_ne_bytes()];
        Cell::Number(Number::new(negative, i32::MAX, &ONE))
    }
}

/// A whole number's base-10,000 digits, which a [`Number`] can borrow.
#[derive(Clone, Copy, Debug)]
pub struct Integer {
    negative: bool,
    digits: [Digit; 5],
}

impl From<i64> for Integer {
    fn from(value: i64) -> Self {
        let mut rest = value.unsigned_abs();
        let mut digits = [[0; 2]; 5];
        for digit in digits.iter_mut().rev() {
            *digit = ((rest % 10_000) as u16).to_ne_bytes();
            rest /= 10_000;
        }
        Integer { negative: value < 0, digits }
    }
}

impl Integer {
    /// The number.
    #[must_use]
    pub fn as_number(&self) -> Number<'_> {
        Number::new(self.negative, 4, &self.digits)
    }
}

/// An array in a row.
#[derive(Clone, Copy, Debug)]
pub enum CellArray<'d> {
    /// The elements of an array column
    Cells(&'d [Cell<'d>]),
    /// In json
    Json(&'d [Json]),
    /// In jsonb
    Jsonb(JsonbArray<'d>),
}

/// An object in a row.
#[derive(Clone, Copy, Debug)]
pub enum CellObject<'d> {
    /// In json
    Json(&'d [(String, Json)]),
    /// In jsonb
    Jsonb(JsonbObject<'d>),
}

impl<'d> Node<'d> for Cell<'d> {
    type Array = CellArray<'d>;
    type Object = CellObject<'d>;

    // Always inlined, as the view of jsonb is.
    #[inline(always)]
    fn view(self) -> View<'d, Self> {
        match self {
            Cell::Null => View::Null,
            Cell::Bool(value) => View::Bool(value),
            Cell::Number(number) => View::Number(number),
            Cell::String(text) => View::String(text),
            Cell::Folded(text) => View::Folded(text),
            Cell::Moment(moment) => View::Moment(moment),
            Cell::Array(cells) => View::Array(CellArray::Cells(cells)),
            Cell::Json(json) => relabel(json.view(), CellArray::Json, CellObject::Json),
            Cell::Jsonb(node) => relabel(node.view(), CellArray::Jsonb, CellObject::Jsonb),
        }
    }
}

#[inline(always)]
fn relabel<'d, N: Node<'d>>(
    view: View<'d, N>,
    array: impl FnOnce(N::Array) -> CellArray<'d>,
    object: impl FnOnce(N::Object) -> CellObject<'d>,
) -> View<'d, Cell<'d>> {
    match view {
        View::Null => View::Null,
        View::Bool(value) => View::Bool(value),
        View::Number(number) => View::Number(number),
        View::String(text) => View::String(text),
        View::Folded(text) => View::Folded(text),
        View::Moment(moment) => View::Moment(moment),
        View::Array(items) => View::Array(array(items)),
        View::Object(members) => View::Object(object(members)),
    }
}

impl<'d> Array<'d> for CellArray<'d> {
    type Node = Cell<'d>;

    fn len(self) -> usize {
        match self {
            CellArray::Cells(cells) => cells.len(),
            CellArray::Json(items) => items.len(),
            CellArray::Jsonb(array) => Array::len(array),
        }
    }

    fn get(self, index: usize) -> Option<Cell<'d>> {
        match self {
            CellArray::Cells(cells) => cells.get(index).copied(),
            CellArray::Json(items) => items.get(index).map(Cell::Json),
            CellArray::Jsonb(array) => Array::get(array, index).map(Cell::Jsonb),
        }
    }

    fn iter(self) -> impl Iterator<Item = Cell<'d>> {
        let (cells, json, jsonb) = match self {
            CellArray::Cells(cells) => (Some(cells), None, None),
            CellArray::Json(items) => (None, Some(items), None),
            CellArray::Jsonb(array) => (None, None, Some(array)),
        };
        let cells = cells.into_iter().flatten().copied();
        let json = json.into_iter().flatten().map(Cell::Json);
        let jsonb = jsonb.into_iter().flat_map(Array::iter).map(Cell::Jsonb);
        cells.chain(json).chain(jsonb)
    }
}

impl<'d> Object<'d> for CellObject<'d> {
    type Node = Cell<'d>;

    fn len(self) -> usize {
        match self {
            CellObject::Json(members) => members.len(),
            CellObject::Jsonb(object) => Object::len(object),
        }
    }

    #[inline]
    fn get(self, key: &str) -> Option<Cell<'d>> {
        match self {
            CellObject::Json(members) => Object::get(members, key).map(Cell::Json),
            CellObject::Jsonb(object) => Object::get(object, key).map(Cell::Jsonb),
        }
    }

    #[inline]
    fn look_up(self, keys: &[String], mut found: impl FnMut(usize, Option<Cell<'d>>) -> bool) -> bool {
        match self {
            CellObject::Json(members) => {
                Object::look_up(members, keys, |position, value| found(position, value.map(Cell::Json)))
            }
            CellObject::Jsonb(object) => {
                Object::look_up(object, keys, |position, value| found(position, value.map(Cell::Jsonb)))
            }
        }
    }

    #[inline]
    fn locate(self, locator: &Locator, layouts: &mut Layouts, mut found: impl FnMut(usize, Cell<'d>)) {
        match self {
            CellObject::Json(members) => {
                Object::locate(members, locator, layouts, |position, value| found(position, Cell::Json(value)));
            }
            CellObject::Jsonb(object) => {
                Object::locate(object, locator, layouts, |position, value| found(position, Cell::Jsonb(value)));
            }
        }
    }

    fn iter(self) -> impl Iterator<Item = (&'d [u8], Cell<'d>)> {
        let (json, jsonb) = match self {
            CellObject::Json(members) => (Some(members), None),
            CellObject::Jsonb(object) => (None, Some(object)),
        };
        let json = json.into_iter().flat_map(Object::iter).map(|(key, value)| (key, Cell::Json(value)));
        let jsonb = jsonb.into_iter().flat_map(Object::iter).map(|(key, value)| (key, Cell::Jsonb(value)));
        json.chain(jsonb)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{DocumentOnly, check};
    use crate::decimal::Decimal;
    use crate::parse::parse;
    use crate::program::Surroundings;
    use crate::program_set::{Matches, ProgramSet};

    #[test]
    fn integers_are_the_numbers_that_they_are() {
        for value in [0, 1, -1, 9_999, 10_000, -10_001, 1 << 40, i64::MAX, i64::MIN] {
            assert_eq!(Integer::from(value).as_number(), Decimal::from(value).as_number(), "{value}");
        }
    }

    #[test]
    fn folded_text_compares_folded_and_matches_regular_expressions_as_it_is() {
        let folded =
            |text: &str| Folded { text: text.as_bytes().into(), compared: text.to_lowercase().as_bytes().into() };
        let (text, empty) = (folded("Ab"), folded(""));
        let elements = [Cell::Null, Cell::Folded(&text)];
        let (one, array) = (Cell::Folded(&text), Cell::Array(&elements));
        for (condition, value, expected) in [
            (r#"{"f": "ab"}"#, one, true),
            (r#"{"f": "Ab"}"#, one, false),
            (r#"{"f": {"$in": ["a", "ab"]}}"#, one, true),
            (r#"{"f": {"$gte": "ab", "$lt": "b"}}"#, one, true),
            (r#"{"f": {"$regex": "^A"}}"#, one, true),
            (r#"{"f": {"$startsWith": "a"}}"#, one, true),
            (r#"{"f": {"$startsWith": "A"}}"#, one, false),
            (r#"{"f": {"$contains": "b"}}"#, array, true),
            (r#"{"f": {"$endsWith": "B", "$options": "i"}}"#, one, true),
            (r#"{"f": {"$type": "string", "$empty": false}}"#, one, true),
            (r#"{"f": {"$empty": true}}"#, Cell::Folded(&empty), true),
            (r#"{"f": "ab"}"#, array, true),
            (r#"{"f": {"$lt": "b"}}"#, array, true),
            (r#"{"f": {"$elemMatch": {"$eq": "ab", "$regex": "^A"}}}"#, array, true),
            (r#"{"f": {"$elemMatch": {"$eq": "ab", "$regex": "^a"}}}"#, array, false),
            (r#"{"f": [null, "ab"]}"#, array, true),
        ] {
            let checked = check(&parse(condition).unwrap(), &DocumentOnly).unwrap();
            let set = ProgramSet::compile([&checked]);
            let mut matches = Matches::new();
            set.matching_fields(&[Some(value)], Surroundings::NONE, &mut matches);
            assert_eq!(matches.contains(0), expected, "{condition}");
        }
    }

    #[test]
    fn infinity_is_beyond_the_greatest_number() {
        let greatest = Decimal::parse(&format!("9{}", "0".repeat(131_071))).unwrap();
        let Cell::Number(infinity) = Cell::infinity(false) else { panic!("infinity is a number") };
        let Cell::Number(least) = Cell::infinity(true) else { panic!("infinity is a number") };
        assert!(infinity > greatest.as_number() && infinity.rank() >= greatest.as_number().rank());
        assert!(least < Decimal::from(i64::MIN).as_number());
        assert!(matches!(Cell::numeric(&0xC000u16.to_ne_bytes()), Cell::String(b"NaN")));
        assert!(matches!(Cell::numeric(&0xD000u16.to_ne_bytes()), Cell::Number(number) if number == infinity));
        assert!(matches!(Cell::numeric(&0xF000u16.to_ne_bytes()), Cell::Number(number) if number == least));
    }
}
