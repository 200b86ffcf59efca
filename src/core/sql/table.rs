//! What the compiler knows of an audience's table.

use crate::types::{JsonType, PropertyType, ScalarType};

/// A table of contacts.
///
/// A field of a condition is the column whose name is the field's first key, or else a key of the properties column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContactTable {
    /// Its name without the schema, unquoted: what its columns can be prefixed with
    pub name: String,
    /// The column with the custom properties; without one, they are missing everywhere
    pub properties: Option<PropertiesColumn>,
    /// The columns that are properties themselves
    pub columns: Vec<Column>,
    /// The expression indexes on custom properties
    pub typed_indexes: Vec<TypedIndex>,
    /// Where subscriptions are kept; without it, nobody is subscribed to anything
    pub topics: Option<Topics>,
}

/// The jsonb column with custom properties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PropertiesColumn {
    /// Its name, unquoted
    pub name: String,
    /// Whether it is never NULL
    pub not_null: bool,
}

/// A column that is a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name, unquoted, which is the property's name
    pub name: String,
    /// Whether it is never NULL
    pub not_null: bool,
    /// What it holds
    pub kind: ColumnKind,
}

/// What a column holds. A domain counts as what it is a domain over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// `text`, by a collation under which only equal bytes are equal, or not
    Text {
        /// Whether only equal bytes are equal
        deterministic: bool,
    },
    /// `varchar`, likewise
    Varchar {
        /// Whether only equal bytes are equal
        deterministic: bool,
    },
    /// `char(n)`: trailing blanks do not count
    Char {
        /// Whether only equal bytes are equal
        deterministic: bool,
    },
    /// `citext`, and the schema that it and its operators are in: case does not count
    Citext {
        /// The schema, unquoted
        schema: String,
    },
    /// `name`
    Name,
    /// `uuid`
    Uuid,
    /// `inet`: the text that its output function writes
    Inet,
    /// An enum
    Enum {
        /// The type
        type_name: QualifiedName,
        /// Its labels
        labels: Vec<String>,
        /// Whether the column is of a domain over it, to which no operator of enums applies
        is_domain: bool,
    },
    /// `smallint`
    SmallInt,
    /// `integer`
    Integer,
    /// `bigint`
    BigInt,
    /// `numeric`
    Numeric,
    /// `real`
    Real,
    /// `double precision`
    Double,
    /// `boolean`
    Boolean,
    /// `date`
    Date,
    /// `timestamp`: the wall clock of UTC
    Timestamp,
    /// `timestamptz`
    TimestampTz,
    /// `json`
    Json,
    /// `jsonb`
    Jsonb,
    /// An array, and what one element is
    Array(Box<ColumnKind>),
}

/// The name of a type or a relation, unquoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QualifiedName {
    /// The schema
    pub schema: String,
    /// The name in it
    pub name: String,
}

/// An expression index such as `(property_number(properties, 'lifetime_value'))`.
///
/// Of `property_text` it is one `COLLATE "C"`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TypedIndex {
    /// The property's name, which is a path
    pub property: String,
    /// The type that its function reads the property as
    pub read_as: ScalarType,
}

/// The table that says which contact is subscribed to what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topics {
    /// The table
    pub relation: QualifiedName,
    /// Its column with the contact's id, unquoted
    pub contact_column: String,
    /// Its column with the topic's id
    pub topic_column: Column,
    /// The column of the contacts' table that `contact_column` refers to, unquoted
    pub id_column: String,
    /// The schema of the operators that compare the two
    pub operators: String,
    /// The topics that the row's contact is subscribed to as an expression: an array of the topic column's type, or
    /// NULL for none. Where it is given, the table is not asked
    pub held: Option<String>,
}

impl TypedIndex {
    /// The name of the function that reads a property as a value of that type, or as NULL.
    #[must_use]
    pub fn function(read_as: ScalarType) -> &'static str {
        match read_as {
            ScalarType::String => "property_text",
            ScalarType::Number => "property_number",
            ScalarType::Boolean => "property_boolean",
            ScalarType::Date => "property_date",
            ScalarType::Timestamp => "property_timestamp",
        }
    }

    /// The type that the function of that name reads a property as.
    #[must_use]
    pub fn type_read_by(function: &str) -> Option<ScalarType> {
        ScalarType::ALL.into_iter().find(|read_as| Self::function(*read_as) == function)
    }
}

impl ContactTable {
    /// The column that is the property of that name; `None` where the property is custom.
    #[must_use]
    pub fn column(&self, property: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == property)
    }
}

impl ColumnKind {
    /// The type of the property that such a column is.
    #[must_use]
    pub fn property_type(&self) -> PropertyType {
        let scalar = match self {
            ColumnKind::Json | ColumnKind::Jsonb => return PropertyType::Json,
            ColumnKind::Array(element) => {
                return element.property_type().element().map_or(PropertyType::Json, PropertyType::Array);
            }
            ColumnKind::Boolean => ScalarType::Boolean,
            ColumnKind::Date => ScalarType::Date,
            ColumnKind::Timestamp | ColumnKind::TimestampTz => ScalarType::Timestamp,
            kind if kind.is_number() => ScalarType::Number,
            _ => ScalarType::String,
        };
        PropertyType::Scalar(scalar)
    }

    /// Whether an index of `text_pattern_ops` or its like on such a column serves equality and prefixes.
    #[must_use]
    pub fn has_patterns(&self) -> bool {
        matches!(self, ColumnKind::Text { deterministic: true } | ColumnKind::Varchar { deterministic: true })
    }

    pub(super) fn is_number(&self) -> bool {
        use ColumnKind::{BigInt, Double, Integer, Numeric, Real, SmallInt};
        matches!(self, SmallInt | Integer | BigInt | Numeric | Real | Double)
    }

    /// Whether its values are strings that are not days or points in time.
    pub(super) fn is_string(&self) -> bool {
        self.property_type() == PropertyType::Scalar(ScalarType::String)
    }

    /// The JSON type of its values.
    #[must_use]
    pub fn json_type(&self) -> Option<JsonType> {
        match self.property_type() {
            PropertyType::Scalar(ScalarType::Number) => Some(JsonType::Number),
            PropertyType::Scalar(ScalarType::Boolean) => Some(JsonType::Bool),
            PropertyType::Scalar(_) => Some(JsonType::String),
            PropertyType::Array(_) => Some(JsonType::Array),
            PropertyType::Json => None,
        }
    }
}
