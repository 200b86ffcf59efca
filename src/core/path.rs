//! Field names, and the paths that they stand for.

use crate::document::{Array, Node, Object, View};

/// A field of a condition: its text, and its keys.
///
/// Keys are separated by dots. After a backslash, a dot or a backslash stands for itself, so that `a\.b` is the one key
/// `a.b`. A backslash before the `$` at the beginning of a key says that the key is no operator.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Path {
    text: String,
    keys: Vec<String>,
}

impl Path {
    /// Reads a field's text.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut keys = vec![String::new()];
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            let begins_key = keys.last().is_some_and(String::is_empty);
            let is_escaped = |next: &char| matches!(next, '.' | '\\') || (*next == '$' && begins_key);
            let escaped = if character == '\\' { characters.next_if(is_escaped) } else { None };
            match (escaped, character) {
                (None, '.') => keys.push(String::new()),
                (escaped, character) => {
                    if let Some(key) = keys.last_mut() {
                        key.push(escaped.unwrap_or(character));
                    }
                }
            }
        }
        Path { text: text.to_owned(), keys }
    }

    /// The path with these keys. Its text reads back as the same keys.
    #[must_use]
    pub fn from_keys(keys: Vec<String>) -> Self {
        let escape = |key: &String| {
            let escaped = key.replace('\\', "\\\\").replace('.', "\\.");
            if escaped.starts_with('$') { format!("\\{escaped}") } else { escaped }
        };
        let escaped: Vec<String> = keys.iter().map(escape).collect();
        Path { text: escaped.join("."), keys }
    }

    /// The field as written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The path with the first `keys` keys.
    #[must_use]
    pub fn prefix(&self, keys: usize) -> Self {
        Self::from_keys(self.keys[..keys].to_vec())
    }

    /// The value at the path in a document. It walks objects by key and arrays by index, as tests under a scalar `$as`
    /// do. A document that is not an object has no fields.
    pub fn value_in<'d, N: Node<'d>>(&self, document: N) -> Option<N> {
        let View::Object(object) = document.view() else { return None };
        self.rest().iter().try_fold(object.get(self.first())?, |value, key| match value.view() {
            View::Object(object) => object.get(key),
            View::Array(array) => array.get(as_index(key)?),
            _ => None,
        })
    }

    /// The first key: a column's name, or a key of the properties.
    #[must_use]
    pub fn first(&self) -> &str {
        &self.keys[0]
    }

    /// The keys below the first.
    #[must_use]
    pub fn rest(&self) -> &[String] {
        &self.keys[1..]
    }

    /// All keys; at least one.
    #[must_use]
    pub fn keys(&self) -> &[String] {
        &self.keys
    }
}

/// The array index that a key can be read as: digits without leading zeros.
#[must_use]
pub fn as_index(key: &str) -> Option<usize> {
    let is_canonical = key.bytes().all(|b| b.is_ascii_digit()) && (key == "0" || !key.starts_with('0'));
    if is_canonical { key.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_part_keys_unless_escaped() {
        for (text, keys) in [
            ("a", &["a"][..]),
            ("a.b", &["a", "b"]),
            (r"a\.b", &["a.b"]),
            (r"a\b", &[r"a\b"]),
            (r"a\\.b", &[r"a\", "b"]),
            (r"\$a.\$b", &["$a", "$b"]),
            (r"a\$b", &[r"a\$b"]),
            ("", &[""]),
        ] {
            assert_eq!(Path::parse(text).keys(), keys, "{text}");
        }
    }

    #[test]
    fn an_index_is_a_key_that_prints_as_it() {
        for (key, index) in [("0", Some(0)), ("10", Some(10)), ("00", None), ("01", None), ("-1", None), ("", None)] {
            assert_eq!(as_index(key), index, "{key}");
        }
    }

    #[test]
    fn keys_print_to_the_text_that_reads_back() {
        for keys in
            [vec!["a"], vec!["a.b"], vec![r"a\", "b"], vec!["", ""], vec![r"\.", "x"], vec!["$a", "$b.c"], vec!["a$"]]
        {
            let keys: Vec<String> = keys.into_iter().map(str::to_owned).collect();
            assert_eq!(Path::parse(Path::from_keys(keys.clone()).text()).keys(), keys);
        }
    }
}
