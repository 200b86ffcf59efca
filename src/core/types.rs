//! Property types.

use std::fmt;

/// The type of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScalarType {
    /// Text
    String,
    /// An exact decimal number
    Number,
    /// True or false
    Boolean,
    /// A calendar day, stored as a string, or as a number of milliseconds since 1970
    Date,
    /// A point in time, stored as a string, or as a number of milliseconds since 1970
    Timestamp,
    /// A calendar day, stored as a number of seconds since 1970
    DateSeconds,
    /// A point in time, stored as a number of seconds since 1970
    TimestampSeconds,
}

/// The declared type of a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PropertyType {
    /// One value
    Scalar(ScalarType),
    /// An array of such values
    Array(ScalarType),
    /// Any value; tests read it as they read an undeclared field
    Json,
}

impl ScalarType {
    /// Every type.
    pub const ALL: [ScalarType; 7] = [
        ScalarType::String,
        ScalarType::Number,
        ScalarType::Boolean,
        ScalarType::Date,
        ScalarType::Timestamp,
        ScalarType::DateSeconds,
        ScalarType::TimestampSeconds,
    ];

    /// The name in `$as` and `create_property`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ScalarType::String => "string",
            ScalarType::Number => "number",
            ScalarType::Boolean => "boolean",
            ScalarType::Date => "date",
            ScalarType::Timestamp => "timestamp",
            ScalarType::DateSeconds => "date(seconds)",
            ScalarType::TimestampSeconds => "timestamp(seconds)",
        }
    }

    /// The type as which an index reads a property of this type.
    #[must_use]
    pub fn indexed_as(self) -> Self {
        match self {
            ScalarType::DateSeconds | ScalarType::TimestampSeconds => ScalarType::Number,
            scalar => scalar,
        }
    }

    /// Whether values are days or points in time.
    #[must_use]
    pub fn is_temporal(self) -> bool {
        self.is_day() || self.has_time()
    }

    /// Whether values are days.
    #[must_use]
    pub fn is_day(self) -> bool {
        matches!(self, ScalarType::Date | ScalarType::DateSeconds)
    }

    /// Whether values are numbers of seconds.
    #[must_use]
    pub fn is_seconds(self) -> bool {
        matches!(self, ScalarType::DateSeconds | ScalarType::TimestampSeconds)
    }

    /// Whether values are points in time.
    #[must_use]
    pub fn has_time(self) -> bool {
        matches!(self, ScalarType::Timestamp | ScalarType::TimestampSeconds)
    }
}

impl PropertyType {
    /// The type with that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        if name == "json" {
            return Some(PropertyType::Json);
        }
        let scalar = |name: &str| ScalarType::ALL.into_iter().find(|scalar| scalar.name() == name);
        match name.strip_suffix("[]") {
            Some(element) => scalar(element).map(PropertyType::Array),
            None => scalar(name).map(PropertyType::Scalar),
        }
    }

    /// The names of all types.
    pub fn names() -> impl Iterator<Item = String> {
        let scalars = ScalarType::ALL.into_iter().map(|scalar| scalar.name().to_owned());
        let arrays = ScalarType::ALL.into_iter().map(|scalar| format!("{}[]", scalar.name()));
        scalars.chain(["json".to_owned()]).chain(arrays)
    }

    /// A sentence that lists all types.
    #[must_use]
    pub fn listed() -> String {
        let scalars: Vec<&str> = ScalarType::ALL.into_iter().map(ScalarType::name).collect();
        format!("Types are {}, json, and arrays such as string[].", scalars.join(", "))
    }

    /// The type of a single value, which is an element of an array; `None` for json.
    #[must_use]
    pub fn element(self) -> Option<ScalarType> {
        match self {
            PropertyType::Scalar(scalar) | PropertyType::Array(scalar) => Some(scalar),
            PropertyType::Json => None,
        }
    }

    /// Whether the type is of single values, so that tests do not look into arrays.
    #[must_use]
    pub fn is_scalar(self) -> bool {
        matches!(self, PropertyType::Scalar(_))
    }
}

impl fmt::Display for ScalarType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for PropertyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PropertyType::Scalar(scalar) => scalar.fmt(f),
            PropertyType::Array(scalar) => write!(f, "{scalar}[]"),
            PropertyType::Json => f.write_str("json"),
        }
    }
}

/// The JSON types that `$type` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JsonType {
    /// A string
    String,
    /// A number
    Number,
    /// `true` or `false`
    Bool,
    /// An object
    Object,
    /// An array
    Array,
    /// `null`
    Null,
}

impl JsonType {
    /// Every type.
    pub const ALL: [JsonType; 6] =
        [JsonType::String, JsonType::Number, JsonType::Bool, JsonType::Object, JsonType::Array, JsonType::Null];

    /// The name in `$type`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            JsonType::String => "string",
            JsonType::Number => "number",
            JsonType::Bool => "bool",
            JsonType::Object => "object",
            JsonType::Array => "array",
            JsonType::Null => "null",
        }
    }

    /// The type of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// The types of MongoDB's BSON (<https://www.mongodb.com/docs/manual/reference/bson-types/>), by code and name, and
/// what each is in JSON.
pub const BSON_TYPES: [(i64, &str, Option<JsonType>); 21] = [
    (1, "double", Some(JsonType::Number)),
    (2, "string", Some(JsonType::String)),
    (3, "object", Some(JsonType::Object)),
    (4, "array", Some(JsonType::Array)),
    (5, "binData", None),
    (6, "undefined", None),
    (7, "objectId", None),
    (8, "bool", Some(JsonType::Bool)),
    (9, "date", None),
    (10, "null", Some(JsonType::Null)),
    (11, "regex", None),
    (12, "dbPointer", None),
    (13, "javascript", None),
    (14, "symbol", None),
    (15, "javascriptWithScope", None),
    (16, "int", Some(JsonType::Number)),
    (17, "timestamp", None),
    (18, "long", Some(JsonType::Number)),
    (19, "decimal", Some(JsonType::Number)),
    (-1, "minKey", None),
    (127, "maxKey", None),
];
