//! The cases of this folder, as README.md describes them. The tests of the core and those in a server include this file.

use std::collections::BTreeMap;
use toml::{Table, Value};

/// A condition, and what is said of it.
pub struct Case {
    /// The file's name without its ending
    pub file: &'static str,
    /// Whether it is put to the audience of `audience.toml`, or else to documents alone
    pub is_declared: bool,
    /// Whether it is about relations of that audience
    pub has_relations: bool,
    pub condition: String,
    pub matches: Vec<String>,
    pub others: Vec<String>,
    pub checked: Option<String>,
    pub jsonpath: Option<Jsonpath>,
    pub refusal: Option<Refusal>,
}

/// What an index of scalars looks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Jsonpath {
    Nothing,
    Of(String),
}

/// The error. What is `None` is not said.
pub struct Refusal {
    pub sqlstate: String,
    pub at: Option<String>,
    pub message: Option<String>,
    pub hint: Option<String>,
    /// The difference from MongoDB, where that accepts the condition
    pub differs: Option<String>,
}

/// The audience of `audience.toml`.
pub struct Audience {
    pub time_zone: String,
    pub now: String,
    pub properties_column: String,
    pub keys: Vec<String>,
    pub properties: BTreeMap<String, String>,
    pub topics: BTreeMap<String, String>,
    pub segments: BTreeMap<String, String>,
    pub relations: BTreeMap<String, Relation>,
}

/// A relation of the audience.
pub struct Relation {
    /// The column that orders rows
    pub time: Option<String>,
    /// Whether it has a primary key
    pub has_key: bool,
    /// The types of its columns, and of the keys of its properties
    pub columns: BTreeMap<String, String>,
}

macro_rules! files {
    ($($name:literal)*) => { &[$(($name, include_str!(concat!($name, ".toml")))),*] };
}

/// Every file but `audience.toml`.
pub const FILES: &[(&str, &str)] = files!(
    "aggregates" "arrays" "calendar" "dates" "declared" "elements" "elements_declared" "epochs" "equality" "extended_json" "indexes" "logic" "order" "paths" "patterns"
    "presence"
    "refused_buckets" "refused_calendar" "refused_elements" "refused_operands" "refused_operators" "refused_periods" "refused_relations" "refused_text"
    "refused_types" "relations" "remainders_and_case" "sequences" "text" "written_types"
);

/// All cases, in the order of the files.
pub fn cases() -> Vec<Case> {
    FILES.iter().flat_map(|(file, text)| cases_of(file, text)).collect()
}

/// The audience that the declared cases are put to.
pub fn audience() -> Audience {
    let mut file = Fields::of("audience", table("audience", include_str!("audience.toml")));
    let audience = Audience {
        time_zone: file.text("time_zone"),
        now: file.text("now"),
        properties_column: file.text("properties_column"),
        keys: file.list("keys"),
        properties: file.texts("properties"),
        topics: file.texts("topics"),
        segments: file.texts("segments"),
        relations: file.named("relations", |table| Relation {
            time: table.optional("time"),
            has_key: table.flag("key"),
            columns: table.texts("columns"),
        }),
    };
    file.finish();
    audience
}

fn cases_of(file: &'static str, text: &str) -> Vec<Case> {
    let mut fields = Fields::of(file, table(file, text));
    let is_declared = fields.flag("declared");
    let has_relations = fields.flag("relations");
    let hints = fields.texts("hints");
    let differs_by_default = fields.table.remove("differs");
    let mut cases = Vec::new();
    for mut case in fields.tables("case") {
        cases.push(Case {
            matches: case.list("matches"),
            others: case.list("others"),
            checked: case.optional("checked"),
            jsonpath: case.jsonpath(),
            ..condition(file, is_declared, case.text("condition"))
        });
        case.finish();
    }
    for mut table in fields.tables("compare") {
        let property = table.text("property");
        let [less, equal, greater] = ["less", "equal", "greater"].map(|relation| table.list(relation));
        let documents = |stored: &[&Vec<String>]| -> Vec<String> {
            stored.iter().copied().flatten().map(|value| format!(r#"{{"{property}": {}}}"#, json(value))).collect()
        };
        for operand in table.list("operands") {
            for (operator, matches, others) in [
                ("$eq", &[&equal][..], &[&less, &greater][..]),
                ("$ne", &[&less, &greater], &[&equal]),
                ("$gt", &[&greater], &[&less, &equal]),
                ("$gte", &[&equal, &greater], &[&less]),
                ("$lt", &[&less], &[&equal, &greater]),
                ("$lte", &[&less, &equal], &[&greater]),
            ] {
                cases.push(Case {
                    matches: documents(matches),
                    others: documents(others),
                    ..condition(file, is_declared, format!(r#"{{"{property}": {{"{operator}": {operand}}}}}"#))
                });
            }
        }
        table.finish();
    }
    for mut table in fields.tables("pattern") {
        let documents = |texts: Vec<String>| texts.iter().map(|text| format!(r#"{{"a": {}}}"#, json(text))).collect();
        cases.push(Case {
            matches: documents(table.list("finds")),
            others: documents(table.list("misses")),
            ..condition(file, is_declared, table.regex().expect("a pattern"))
        });
        table.finish();
    }
    for mut table in fields.tables("refused") {
        let of_pattern = table.regex();
        let default_at = of_pattern.is_some().then(|| "/a/$regex".to_owned());
        let refusal = Refusal {
            sqlstate: table.text("sqlstate"),
            at: table.optional("at").or(default_at),
            message: table.optional("message"),
            hint: table.optional("hint").map(|hint| hints.get(&hint).cloned().unwrap_or(hint)),
            differs: table.differs(differs_by_default.as_ref()),
        };
        let text = of_pattern.unwrap_or_else(|| table.text("condition"));
        cases.push(Case { refusal: Some(refusal), ..condition(file, is_declared, text) });
        table.finish();
    }
    fields.finish();
    cases.iter_mut().for_each(|case| case.has_relations = has_relations);
    cases
}

/// A case that says nothing yet.
fn condition(file: &'static str, is_declared: bool, condition: String) -> Case {
    let (matches, others) = (vec![], vec![]);
    let has_relations = false;
    Case { file, is_declared, has_relations, condition, matches, others, checked: None, jsonpath: None, refusal: None }
}

fn json(text: &str) -> String {
    serde_json::to_string(text).expect("text is JSON")
}

fn table(file: &str, text: &str) -> Table {
    text.parse().unwrap_or_else(|error| panic!("tests/cases/{file}.toml: {error}"))
}

/// The keys of a table, taken out one after the other, so that what nobody asks for is found.
struct Fields {
    place: String,
    table: Table,
}

impl Fields {
    fn of(file: &str, table: Table) -> Self {
        Fields { place: format!("tests/cases/{file}.toml"), table }
    }

    fn text(&mut self, key: &str) -> String {
        self.optional(key).unwrap_or_else(|| panic!("{}: no {key} in {}", self.place, self.table))
    }

    fn optional(&mut self, key: &str) -> Option<String> {
        self.table.remove(key).map(|value| self.string(key, value))
    }

    fn flag(&mut self, key: &str) -> bool {
        match self.table.remove(key) {
            None => false,
            Some(value) => value.as_bool().unwrap_or_else(|| panic!("{}: {key} is true or false", self.place)),
        }
    }

    fn list(&mut self, key: &str) -> Vec<String> {
        self.array(key).into_iter().map(|item| self.string(key, item)).collect()
    }

    fn texts(&mut self, key: &str) -> BTreeMap<String, String> {
        match self.table.remove(key) {
            None => BTreeMap::new(),
            Some(Value::Table(table)) => {
                table.into_iter().map(|(name, value)| (name.clone(), self.string(&name, value))).collect()
            }
            Some(value) => panic!("{}: {key} is a table, not {value}", self.place),
        }
    }

    /// Tables by their names.
    fn named<T>(&mut self, key: &str, read: impl Fn(&mut Fields) -> T) -> BTreeMap<String, T> {
        let Some(Value::Table(tables)) = self.table.remove(key) else { return BTreeMap::new() };
        let read = |(name, table)| {
            let Value::Table(table) = table else { panic!("{}: {name} is a table, not {table}", self.place) };
            let mut fields = Fields { place: self.place.clone(), table };
            let value = read(&mut fields);
            fields.finish();
            (name, value)
        };
        tables.into_iter().map(read).collect()
    }

    fn tables(&mut self, key: &str) -> Vec<Fields> {
        let tables = self.array(key).into_iter().map(|item| match item {
            Value::Table(table) => Fields { place: self.place.clone(), table },
            value => panic!("{}: {key} is a table, not {value}", self.place),
        });
        tables.collect()
    }

    fn array(&mut self, key: &str) -> Vec<Value> {
        match self.table.remove(key) {
            None => vec![],
            Some(Value::Array(items)) => items,
            Some(value) => panic!("{}: {key} is an array, not {value}", self.place),
        }
    }

    fn jsonpath(&mut self) -> Option<Jsonpath> {
        Some(match self.table.remove("jsonpath")? {
            Value::Boolean(false) => Jsonpath::Nothing,
            value => Jsonpath::Of(self.string("jsonpath", value)),
        })
    }

    /// What `differs` says, which may not be left out unless the file says it.
    fn differs(&mut self, by_default: Option<&Value>) -> Option<String> {
        match self.table.remove("differs").or_else(|| by_default.cloned()) {
            Some(Value::Boolean(false)) => None,
            Some(value) => Some(self.string("differs", value)),
            None => panic!("{}: does MongoDB accept it? Say `differs` of {}", self.place, self.table),
        }
    }

    /// The condition of `pattern` and `options`.
    fn regex(&mut self) -> Option<String> {
        let pattern = json(&self.optional("pattern")?);
        Some(match self.optional("options") {
            None => format!(r#"{{"a": {{"$regex": {pattern}}}}}"#),
            Some(options) => format!(r#"{{"a": {{"$regex": {pattern}, "$options": {}}}}}"#, json(&options)),
        })
    }

    fn string(&self, key: &str, value: Value) -> String {
        match value {
            Value::String(text) => text,
            value => panic!("{}: {key} is text, not {value}", self.place),
        }
    }

    fn finish(&self) {
        assert!(self.table.is_empty(), "{}: what is this? {}", self.place, self.table);
    }
}
