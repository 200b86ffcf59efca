//! Random pairs about declared properties: documents whose values are of their types, and conditions with operands of
//! these types. Of such a document a condition says the same whether its properties are declared or not.

use super::calendar::{self, PARTS, PARTS_OF_DAYS};
use super::condition::{caseless, modulo, predicate_of, regex, text_test, truth, whole_condition_of};
use super::document::{number, object_of};
use super::expression::{Side, expression_of};
use super::random::Random;
use segments_core::check::{Declaration, Environment};
use segments_core::path::Path;
use segments_core::types::{PropertyType, ScalarType};
use segments_core::value::{Json, Value};

/// The properties of `properties.json`, among which are the keys of the other documents, as `json`.
pub struct Audience(Vec<Property>);

struct Property {
    name: String,
    kind: PropertyType,
    /// A column holds no null.
    is_column: bool,
    /// What it, or an element of it, may be
    values: Vec<Json>,
}

impl Audience {
    pub fn declared() -> Self {
        let Ok(Value::Array(properties)) = Json::parse(include_str!("../properties.json")) else {
            panic!("properties.json is no array")
        };
        Audience(properties.into_iter().map(Property::read).collect())
    }

    pub fn document(&self, random: &mut Random) -> Json {
        let present: Vec<&Property> = self.typed().filter(|_| random.percent(30)).collect();
        object_of(present.into_iter().map(|property| (property.name.clone(), property.stored(random))).collect())
    }

    pub fn condition(&self, random: &mut Random, document: &Json) -> Json {
        whole_condition_of(random, &|random| match random.percent(7) {
            true => ("$expr".to_owned(), self.expression(random)),
            false => self.field(random, document),
        })
    }

    /// Comparisons of properties of one type, or of one and a value of its type.
    fn expression(&self, random: &mut Random) -> Json {
        let scalars: Vec<&Property> = self.typed().filter(|property| property.kind.is_scalar()).collect();
        expression_of(random, 1, &|random| {
            let left = random.pick(&scalars);
            let alike: Vec<&&Property> = scalars.iter().filter(|other| other.kind == left.kind).collect();
            let right = random.pick(&alike);
            let are_ordered = left.kind != PropertyType::Scalar(ScalarType::Boolean);
            let left = Side::Field(left.name.clone());
            let sides = match random.below(10) {
                0..=6 => [left, Side::Field(right.name.clone())],
                7 | 8 => [left, Side::Value(random.pick(&right.values))],
                _ => [Side::Value(random.pick(&right.values)), left],
            };
            (sides, are_ordered)
        })
    }

    /// A test of a property, mostly of one that the document has.
    fn field(&self, random: &mut Random, document: &Json) -> (String, Json) {
        let Value::Object(members) = document else { panic!("{document} is no object") };
        let find = |name: &str| self.0.iter().find(|property| property.name == name);
        let (property, found) = match members.as_slice() {
            members if !members.is_empty() && random.percent(80) => {
                let (name, value) = &members[random.below(members.len())];
                (find(name).unwrap_or_else(|| panic!("{name} is not declared")), value)
            }
            _ => (random.pick(&self.typed().collect::<Vec<_>>()), &Value::Null),
        };
        let operands = self.typed().filter(|other| other.kind.element() == property.kind.element());
        let operands: Vec<Json> = operands.flat_map(|property| property.values.clone()).collect();
        let field = Field { kind: property.kind, found, operands: &operands, or_null: true };
        if let (PropertyType::Array(element), Value::Array(items)) = (property.kind, found)
            && !items.is_empty()
            && random.percent(15)
        {
            let index = random.below(items.len());
            let there = &items[index];
            let found = if *there == Value::Null { random.pick(&operands) } else { there.clone() };
            let field = Field { kind: PropertyType::Scalar(element), found: &found, or_null: false, ..field };
            return (format!("{}.{index}", property.name), field.asked(random));
        }
        (property.name.clone(), field.asked(random))
    }

    fn typed(&self) -> impl Iterator<Item = &Property> {
        self.0.iter().filter(|property| !property.values.is_empty())
    }
}

impl Property {
    fn read(declaration: Json) -> Self {
        let Value::Object(members) = declaration else { panic!("{declaration} declares no property") };
        let member = |name| members.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let (Some(Value::String(name)), Some(Value::String(kind))) = (member("name"), member("type")) else {
            panic!("a property has a name and a type")
        };
        Property {
            kind: PropertyType::parse(&kind).unwrap_or_else(|| panic!("{kind} is no type")),
            is_column: member("column").is_some(),
            values: match member("values") {
                Some(Value::Array(values)) => values,
                _ => Vec::new(),
            },
            name,
        }
    }

    fn stored(&self, random: &mut Random) -> Json {
        let one = |random: &mut Random| random.pick(&self.values);
        let nullable = |random: &mut Random| if random.percent(8) { Value::Null } else { one(random) };
        match self.kind {
            _ if !self.is_column && random.percent(6) => Value::Null,
            PropertyType::Array(_) => Value::Array((0..random.below(4)).map(|_| nullable(random)).collect()),
            _ => one(random),
        }
    }
}

/// What is asked about: a property or an element of one, with the value there and operands of its type.
#[derive(Clone, Copy)]
struct Field<'f> {
    kind: PropertyType,
    found: &'f Json,
    operands: &'f [Json],
    /// Whether null is asked for too. An element beyond an array's end is missing where the property is declared, and
    /// otherwise nothing, which null does not match.
    or_null: bool,
}

impl Field<'_> {
    fn asked(self, random: &mut Random) -> Json {
        match random.below(100) {
            0..=14 => self.operand(random),
            15..=17 => self.found.clone(),
            _ => self.predicate(random, 2),
        }
    }

    fn predicate(self, random: &mut Random, levels: usize) -> Json {
        if self.kind.element() == Some(ScalarType::String) && random.percent(8) {
            return caseless(random, &|random| self.operand(random), &|random| self.operand(random));
        }
        predicate_of(random, &|random| self.test(random, levels))
    }

    /// A test, with `$options` where it has some.
    fn test(self, random: &mut Random, levels: usize) -> Vec<(String, Json)> {
        let one = |operator: &str, operand: Json| vec![(operator.to_owned(), operand)];
        let several = |random: &mut Random| {
            let is_null = |random: &mut Random| self.or_null && random.percent(6);
            let entry = |random: &mut Random| if is_null(random) { Value::Null } else { self.operand(random) };
            Value::Array((0..random.below(5)).map(|_| entry(random)).collect())
        };
        let operand = self.operand(random);
        let is_array = !self.kind.is_scalar();
        let element = self.kind.element();
        match random.below(100) {
            0..=9 => one(random.pick(&["$eq", "$ne"]), operand),
            10..=13 => one(random.pick(&["$eq", "$ne"]), self.found.clone()),
            14..=37 if element != Some(ScalarType::Boolean) => {
                one(random.pick(&["$gt", "$gte", "$lt", "$lte"]), operand)
            }
            38..=46 => one("$in", several(random)),
            47..=51 => one("$nin", several(random)),
            52..=57 => one("$exists", truth(random)),
            58..=63 if levels > 0 => one("$not", self.predicate(random, levels - 1)),
            64..=69 if element == Some(ScalarType::String) => regex(random, &operand),
            64..=69 if element == Some(ScalarType::Number) => modulo(random),
            64..=69 if element == Some(ScalarType::Date) => calendar::part(random, PARTS_OF_DAYS),
            64..=69 if element == Some(ScalarType::Timestamp) => calendar::part(random, PARTS),
            70..=80 if self.kind == PropertyType::Scalar(ScalarType::String) => text_test(random, &operand),
            70..=74 if element.is_some_and(ScalarType::is_temporal) => self.anniversary(random),
            70..=76 if is_array => one("$all", several(random)),
            77..=86 if is_array && levels > 0 => {
                let Some(element) = element else { panic!("an array has elements of a type") };
                let element = Field { kind: PropertyType::Scalar(element), found: &operand, ..self };
                one("$elemMatch", element.predicate(random, levels - 1))
            }
            87..=92 if is_array => one("$size", number(random.pick(&["0", "1", "2", "3"]))),
            // A date is a string there, and a date here.
            93..=97 if element.is_some_and(|element| !element.is_temporal()) => {
                let name = random.pick(&["string", "number", "bool", "array", "null"]);
                one("$type", Value::String(name.to_owned()))
            }
            _ => one("$in", several(random)),
        }
    }

    /// An anniversary of a date near those that there are, or between two of them.
    fn anniversary(self, random: &mut Random) -> Vec<(String, Json)> {
        calendar::anniversary(random, &|random| random.pick(self.operands))
    }

    /// A value of the type, often the one that is there or one of its elements.
    fn operand(self, random: &mut Random) -> Json {
        let found = match self.found {
            Value::Array(items) if !items.is_empty() => random.pick(items),
            found => found.clone(),
        };
        match found {
            Value::Null | Value::Array(_) => random.pick(self.operands),
            _ if random.percent(50) => random.pick(self.operands),
            found => found,
        }
    }
}

impl Environment for Audience {
    fn property(&self, name: &Path) -> Declaration {
        match self.0.iter().find(|property| property.name == name.text()) {
            Some(property) => Declaration::Property(property.kind),
            None => Declaration::Unknown,
        }
    }
}
