//! The description of an audience's table that conditions are compiled for.

use crate::expr::{DocumentTest, Expr};
use crate::path::Path;
use crate::types::{JsonType, PropertyType, ScalarType};

/// A table of contacts.
///
/// The first key of a condition's field is the name of a column or, if there is no such column, a key of the properties
/// column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContactTable {
    /// Its schema, unquoted
    pub schema: String,
    /// Its name without the schema, unquoted; its columns may be prefixed with it
    pub name: String,
    /// The name of the column that identifies contacts, unquoted
    pub id: String,
    /// The schema of the operators that compare ids with each other
    pub operators: String,
    /// The column with the custom properties; without it, no contact has any
    pub properties: Option<PropertiesColumn>,
    /// The columns that are properties themselves
    pub columns: Vec<NativeColumn>,
    /// The expression indexes on custom properties
    pub typed_indexes: Vec<TypedIndex>,
    /// The table of subscriptions; without it, nobody is subscribed to anything
    pub topics: Option<Topics>,
    /// The tables whose rows belong to contacts; none has relations itself
    pub relations: Vec<RelationTable>,
}

/// A table whose rows belong to contacts: to conditions, an array of objects under the relation's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelationTable {
    /// The name in conditions, with which fields begin; a column or key of contacts that has this name is hidden
    pub name: String,
    /// The table
    pub relation: QualifiedName,
    /// Its columns. Its `id` is the column that says whose a row is
    pub rows: ContactTable,
    /// How that column is compared with the id of the contact
    pub contact: ContactKey,
    /// The column that orders rows where a condition does not name another; its type is that of a date
    pub time: Option<String>,
    /// The columns of the primary key, which order the rows of one time; empty if there is none
    pub key: Vec<String>,
    /// What a row has to satisfy to belong to a contact at all
    pub scope: Expr<DocumentTest>,
}

/// How the contact's id is compared with the column of a relation that says whose a row is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContactKey {
    /// Both are of types that `=` compares
    Equals {
        /// The schema of the operator, unquoted
        operators: String,
    },
    /// The column is text, and is compared with the text that the output function of the id's type writes
    AsText,
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
pub struct NativeColumn {
    /// Its name, unquoted, which is the property's name
    pub name: String,
    /// Whether it is never NULL
    pub not_null: bool,
    /// The type of its values
    pub kind: ColumnKind,
    /// Whether it is a `numeric` with a precision, which has a thousand digits at most
    pub has_precision: bool,
}

/// The type of a column. A domain counts as its base type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// `text`
    Text {
        /// Whether only equal bytes are equal
        deterministic: bool,
    },
    /// `varchar`
    Varchar {
        /// Whether only equal bytes are equal
        deterministic: bool,
    },
    /// `char(n)`, whose trailing blanks do not count
    Char {
        /// Whether only equal bytes are equal
        deterministic: bool,
    },
    /// `citext`, which ignores case
    Citext {
        /// The schema of the type and its operators, unquoted
        schema: String,
    },
    /// `name`
    Name,
    /// `uuid`
    Uuid,
    /// `inet`; conditions see the text that its output function writes
    Inet,
    /// An enum
    Enum {
        /// The type
        type_name: QualifiedName,
        /// Its labels
        labels: Vec<String>,
        /// Whether the column's type is a domain over the enum, for which no operator of enums exists
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
    /// `timestamp`, read as UTC
    Timestamp,
    /// `timestamptz`
    TimestampTz,
    /// `json`
    Json,
    /// `jsonb`
    Jsonb,
    /// An array of elements of this type
    Array(Box<ColumnKind>),
}

/// The name of a type or relation with its schema, unquoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QualifiedName {
    /// The schema; empty for the name of a query in WITH
    pub schema: String,
    /// The name in it
    pub name: String,
}

/// An expression index such as `(property_number(properties, 'lifetime_value'))`.
///
/// An index on `property_text` is `COLLATE "C"`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TypedIndex {
    /// The property's name, which is a path
    pub property: String,
    /// The type as which the index's function reads the property: not one of seconds, which are numbers
    pub read_as: ScalarType,
}

/// The table of subscriptions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topics {
    /// The table
    pub relation: QualifiedName,
    /// Its column with the contact's id, unquoted
    pub contact_column: String,
    /// Its column with the topic's id
    pub topic_column: NativeColumn,
    /// The column of the table of contacts that `contact_column` refers to, unquoted
    pub id_column: String,
    /// The schema of the operators that compare these two columns
    pub operators: String,
    /// An SQL expression for the topics that the row's contact is subscribed to: an array of the topic column's type,
    /// or NULL for none. If it is given, the query does not read the table of subscriptions
    pub held: Option<String>,
}

impl TypedIndex {
    /// The index for a property of this type.
    #[must_use]
    pub fn of(property: &Path, read_as: ScalarType) -> Self {
        let property = Path::from_keys(property.keys().to_vec()).text().to_owned();
        TypedIndex { property, read_as: read_as.indexed_as() }
    }

    /// The name of the function that reads a property as a value of this type, or as NULL.
    #[must_use]
    pub fn function(read_as: ScalarType) -> &'static str {
        match read_as {
            ScalarType::String => "property_text",
            ScalarType::Number | ScalarType::DateSeconds | ScalarType::TimestampSeconds => "property_number",
            ScalarType::Boolean => "property_boolean",
            ScalarType::Date => "property_date",
            ScalarType::Timestamp => "property_timestamp",
        }
    }

    /// The type as which the function with this name reads a property.
    #[must_use]
    pub fn type_read_by(function: &str) -> Option<ScalarType> {
        ScalarType::ALL.into_iter().find(|read_as| Self::function(*read_as) == function)
    }
}

impl ContactTable {
    /// The column that is the property with this name; `None` if the property is custom.
    #[must_use]
    pub fn column(&self, property: &str) -> Option<&NativeColumn> {
        self.columns.iter().find(|column| column.name == property)
    }

    /// The table's name.
    #[must_use]
    pub fn qualified_name(&self) -> QualifiedName {
        QualifiedName { schema: self.schema.clone(), name: self.name.clone() }
    }

    /// The relation with this name.
    #[must_use]
    pub fn relation(&self, name: &str) -> Option<&RelationTable> {
        self.relations.iter().find(|relation| relation.name == name)
    }
}

impl ColumnKind {
    /// The type of the property that a column of this type is.
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

    /// Whether an index with `text_pattern_ops`, or the similar class of the column's type, serves equality and
    /// prefixes.
    #[must_use]
    pub fn has_patterns(&self) -> bool {
        matches!(self, ColumnKind::Text { deterministic: true } | ColumnKind::Varchar { deterministic: true })
    }

    pub(super) fn is_number(&self) -> bool {
        use ColumnKind::{BigInt, Double, Integer, Numeric, Real, SmallInt};
        matches!(self, SmallInt | Integer | BigInt | Numeric | Real | Double)
    }

    /// Whether the values are strings, without days and points in time.
    pub(super) fn is_string(&self) -> bool {
        self.property_type() == PropertyType::Scalar(ScalarType::String)
    }

    /// The JSON type of the values.
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
