//! Every C function that `sql/*.sql` creates has the arguments and the result of the Rust function behind it: nothing
//! else compares them before a call reads a value as something that it is not.

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn functions_in_sql_are_those_in_rust() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let rust = sources(root, "rs", true).join("\n");
    // Released scripts, which are in a folder of their own, do not change.
    let functions: Vec<Function> =
        sources(&root.join("../sql"), "sql", false).iter().flat_map(|sql| created(sql)).collect();
    assert!(functions.len() > 70, "only {} functions were found", functions.len());
    let wrong: Vec<String> = functions.iter().filter_map(|function| function.difference(&rust)).collect();
    assert_eq!(wrong, Vec::<String>::new());
}

/// A function as its CREATE FUNCTION declares it.
struct Function {
    symbol: String,
    arguments: Vec<String>,
    result: String,
    is_strict: bool,
}

/// The C functions that a script creates.
fn created(sql: &str) -> Vec<Function> {
    let sql: String =
        sql.lines().filter(|line| !line.trim_start().starts_with("--")).map(|line| format!("{line} ")).collect();
    sql.split("CREATE FUNCTION ").skip(1).filter_map(Function::parse).collect()
}

impl Function {
    /// Reads what follows CREATE FUNCTION; `None` where the function is not in C.
    fn parse(text: &str) -> Option<Self> {
        let (head, rest) = text.split_once("AS 'MODULE_PATHNAME', '")?;
        let (arguments, tail) = in_parentheses(&head[head.find('(')?..]);
        let result = tail.trim_start().strip_prefix("RETURNS ")?;
        let (result, attributes) = result.split_once(" LANGUAGE c ")?;
        Some(Function {
            symbol: rest.split('\'').next()?.to_owned(),
            arguments: split(arguments).iter().map(|argument| sql_type(argument)).collect(),
            result: result.trim().to_owned(),
            is_strict: attributes.split_whitespace().any(|word| word == "STRICT"),
        })
    }

    /// How the Rust function behind it differs; `None` if it does not.
    fn difference(&self, rust: &str) -> Option<String> {
        let Some(name) = self.symbol.strip_suffix("_wrapper") else {
            // It is written against Postgres's interface for C, and reads its arguments itself.
            let exists =
                ["fcinfo", "_fcinfo"].iter().any(|argument| rust.contains(&format!("fn {}({argument}:", self.symbol)))
                    && rust.contains(&format!("function_info!(pg_finfo_{})", self.symbol));
            return (!exists).then(|| format!("{}: there is no such function", self.symbol));
        };
        let Some((before, _)) = rust.split_once(&format!("#[pg_extern(sql = false)]\nfn {name}(")) else {
            return Some(format!("{name}: there is no such function"));
        };
        let text = &rust[before.len()..];
        let text = &text[text.find("fn ").unwrap_or_default()..];
        let (arguments, tail) = in_parentheses(&text[text.find('(').unwrap_or_default()..]);
        let mut types: Vec<String> = split(arguments).iter().map(|argument| rust_type(argument)).collect();
        let reads_itself = types.iter().any(|found| found == "Call" || found == "pg_sys::FunctionCallInfo");
        types.retain(|found| found != "Call" && found != "pg_sys::FunctionCallInfo");
        let result = in_one_line(tail.split('{').next().unwrap_or_default().trim().trim_start_matches("->"));
        let has_all = types.len() == self.arguments.len() || reads_itself && types.len() < self.arguments.len();
        let fits = types.iter().zip(&self.arguments).all(|(found, declared)| self.takes(found, declared));
        let same = has_all && fits && self.returns(&result, reads_itself);
        (!same).then(|| {
            format!("{name}: {:?} returns {} in SQL, {types:?} returns {result} in Rust", self.arguments, self.result)
        })
    }

    /// Whether an argument of this Rust type takes values of that SQL type, and NULL unless the function is strict.
    fn takes(&self, found: &str, declared: &str) -> bool {
        match (option(found), self.is_strict) {
            (Some(found), false) => represents(found, declared),
            (None, true) => represents(found, declared),
            _ => false,
        }
    }

    fn returns(&self, found: &str, reads_itself: bool) -> bool {
        if self.result == "void" {
            return found.is_empty();
        }
        let table = self.result.strip_prefix("TABLE ");
        if table.is_some() || self.result.starts_with("SETOF ") {
            // The rows are those of a query, or of an iterator over tuples.
            let columns = found.strip_prefix("TableIterator<'static, (").map(|columns| columns.trim_end_matches(")>"));
            let value = found.strip_prefix("SetOfIterator<'static, ").map(|value| value.trim_end_matches('>'));
            return match (table, columns, value) {
                (Some(table), Some(columns), _) => same_columns(in_parentheses(table).0, columns),
                (None, _, Some(value)) => represents(value, self.result.trim_start_matches("SETOF ")),
                // The type of a single value is that of the call.
                _ => (found.is_empty() || found == "Option<AnyElement>") && reads_itself,
            };
        }
        represents(option(found).unwrap_or(found), &self.result)
    }
}

/// A type that rustfmt may have broken into lines.
fn in_one_line(declared: &str) -> String {
    let line = declared.split_whitespace().collect::<Vec<_>>().join(" ");
    line.replace("< ", "<").replace("( ", "(").replace(", )", ")").replace(", >", ">")
}

fn same_columns(declared: &str, found: &str) -> bool {
    let (declared, found) = (split(declared), split(found));
    let same = |(declared, found): (&String, &String)| {
        let found = found.trim_start_matches("name!(").trim_end_matches(')');
        let (name, found) = found.split_once(", ").unwrap_or_default();
        declared.split_whitespace().next() == Some(name)
            && represents(option(found).unwrap_or(found), &sql_type(declared))
    };
    declared.len() == found.len() && declared.iter().zip(&found).all(same)
}

/// Whether values of an SQL type are values of a Rust type.
fn represents(found: &str, declared: &str) -> bool {
    let types: &[&str] = match declared.trim_start_matches("@extschema@.") {
        "text" => &["&str", "String", "&'static str"],
        "segment_condition" => &["&str", "String"],
        "uuid" => &["pgrx::Uuid"],
        "boolean" => &["bool"],
        "smallint" => &["i16"],
        "int" => &["i32"],
        "bigint" => &["i64"],
        "numeric" => &["AnyNumeric"],
        "interval" => &["Interval"],
        "timestamptz" => &["TimestampWithTimeZone"],
        "regclass" | "regrole" => &["pg_sys::Oid"],
        "jsonb" => &["JsonB"],
        "real" => &["f32"],
        "text[]" => &["Vec<Option<String>>", "Vec<String>", "Array<'_, String>"],
        "uuid[]" => &["Vec<Option<pgrx::Uuid>>"],
        "oid[]" => &["Vec<Option<Oid>>"],
        "cstring" => &["&CStr"],
        "internal" => &["pgrx::Internal"],
        // Rows of views
        "segments.segment" | "segments.topic" => &["AnyElement"],
        _ => &[],
    };
    types.contains(&found)
}

fn option(found: &str) -> Option<&str> {
    found.strip_prefix("Option<")?.strip_suffix('>')
}

/// The type in `name type DEFAULT value`, where name and default may be missing.
fn sql_type(argument: &str) -> String {
    let argument = argument.split(" DEFAULT ").next().unwrap_or_default().trim();
    argument.split_once(' ').map_or(argument, |(_, declared)| declared).trim().to_owned()
}

/// The type in `name: type`.
fn rust_type(argument: &str) -> String {
    argument.split_once(": ").map_or("", |(_, found)| found).trim().to_owned()
}

/// The text between the parenthesis that it begins with and the one that closes it, and the text after that.
fn in_parentheses(text: &str) -> (&str, &str) {
    let mut depth = 0;
    for (position, character) in text.char_indices() {
        depth += i32::from(character == '(') - i32::from(character == ')');
        if depth == 0 {
            return (&text[1..position], &text[position + 1..]);
        }
    }
    (text, "")
}

/// The parts of a list at its commas, but for those inside brackets.
fn split(list: &str) -> Vec<String> {
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for character in list.chars() {
        depth += i32::from("(<[".contains(character)) - i32::from(")>]".contains(character));
        match character {
            ',' if depth == 0 => parts.push(String::new()),
            _ => parts.last_mut().unwrap().push(character),
        }
    }
    let parts = parts.iter().map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    parts.filter(|part| !part.is_empty()).collect()
}

/// The texts of the files of a folder with that extension, and of those inside its folders where these count, too.
fn sources(folder: &Path, extension: &str, is_deep: bool) -> Vec<String> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let texts = |path: &PathBuf| match path.is_dir() {
        true if is_deep => sources(path, extension, is_deep),
        false if path.extension().is_some_and(|found| found == extension) => vec![fs::read_to_string(path).unwrap()],
        _ => Vec::new(),
    };
    paths.iter().flat_map(texts).collect()
}
