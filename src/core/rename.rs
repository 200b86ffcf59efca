//! Renames fields, topics and segments in a condition.

use crate::ast::{Condition, Junction, Member};
use crate::path::Path;
use crate::value::key_order;
use std::cell::RefCell;

mod elements;

/// Functions that return new names; `None` if a name stays.
pub struct Renaming<'r> {
    /// For fields of contacts, and for those of elements, which are given by their whole paths. A new name has as many keys
    pub field: &'r dyn Fn(&Path) -> Option<Path>,
    /// For segments
    pub segment: &'r dyn Fn(&str) -> Option<String>,
}

impl Condition {
    /// All fields that the condition reads, those of elements by their whole paths: `orders` and `orders.total` in
    /// `{"orders": {"$some": {"total": 5}}}`. What can be renamed is found, and nothing
    /// else. Some may be there twice.
    #[must_use]
    pub fn paths(&self) -> Vec<Path> {
        let found = RefCell::new(Vec::new());
        let field = |path: &Path| {
            found.borrow_mut().push(path.clone());
            None
        };
        let _ = self.renamed(&Renaming { field: &field, segment: &|_| None });
        found.into_inner()
    }

    /// The same condition with the new names.
    #[must_use]
    pub fn renamed(&self, names: &Renaming) -> Condition {
        let renames = |member: &&Member| matches!(member, Member::Field(path, _) if (names.field)(path).is_some());
        let (renamed, kept): (Vec<&Member>, Vec<&Member>) = self.members.iter().partition(renames);
        let mut members: Vec<Member> = kept.into_iter().map(|member| member.renamed(names)).collect();
        let mut displaced = Vec::new();
        for member in renamed {
            let member = member.renamed(names);
            // An object has each key only once.
            if members.iter().any(|other| other.key() == member.key()) {
                displaced.push(Condition { members: vec![member] });
            } else {
                members.push(member);
            }
        }
        if !displaced.is_empty() {
            let and = members.iter_mut().find_map(|member| match member {
                Member::Logical(Junction::And, conditions) => Some(conditions),
                _ => None,
            });
            match and {
                Some(conditions) => conditions.extend(displaced),
                None => members.push(Member::Logical(Junction::And, displaced)),
            }
        }
        members.sort_by(|one, other| key_order(one.key().as_bytes(), other.key().as_bytes()));
        Condition { members }
    }
}

impl Member {
    fn renamed(&self, names: &Renaming) -> Member {
        match self {
            Member::Logical(junction, conditions) => {
                Member::Logical(*junction, conditions.iter().map(|condition| condition.renamed(names)).collect())
            }
            Member::Not(condition) => Member::Not(condition.renamed(names)),
            Member::Segment(predicate) => {
                Member::Segment(predicate.renamed(&|name| (names.segment)(name).unwrap_or_else(|| name.to_owned())))
            }
            Member::Field(path, predicate) => {
                Member::Field((names.field)(path).unwrap_or_else(|| path.clone()), predicate.renamed(path, names))
            }
            Member::Expr(expression) => Member::Expr(expression.renamed(names.field)),
            Member::Topic(_) | Member::Bucket(_) | Member::Comment(_) => self.clone(),
        }
    }
}

impl Path {
    /// The path after its first key `before` was renamed to `after`; `None` if it has another first key.
    #[must_use]
    pub fn below_renamed(&self, before: &str, after: &str) -> Option<Path> {
        let keys = [after.to_owned()].into_iter().chain(self.rest().iter().cloned());
        (self.first() == before).then(|| Path::from_keys(keys.collect()))
    }

    /// The path after the column `before` of a relation's rows was renamed to `after`; `None` if it is another path.
    #[must_use]
    pub fn in_rows_renamed(&self, relation: &str, before: &str, after: &str) -> Option<Path> {
        match self.keys() {
            [first, second, rest @ ..] if first == relation && second == before => {
                let keys = [relation.to_owned(), after.to_owned()].into_iter().chain(rest.iter().cloned());
                Some(Path::from_keys(keys.collect()))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse;

    fn renamed(condition: &str, (before, after): (&str, &str), (segment, other): (&str, &str)) -> String {
        let names = Renaming {
            field: &|path| path.below_renamed(before, after),
            segment: &|reference| (reference == segment).then(|| other.to_owned()),
        };
        parse(condition).expect("a condition").renamed(&names).to_string()
    }

    #[test]
    fn names_change_wherever_contacts_are_spoken_of() {
        for (before, after) in [
            (r#"{"age": {"$gt": 5}}"#, r#"{"years": {"$gt": 5}}"#),
            (r#"{"age.0": 5, "b": 1, "agent": 1}"#, r#"{"b": 1, "agent": 1, "years.0": 5}"#),
            (r#"{"$or": [{"age": 1}, {"$not": {"age": 2}}]}"#, r#"{"$or": [{"years": 1}, {"$not": {"years": 2}}]}"#),
            (r#"{"orders": {"$elemMatch": {"age": 1}}}"#, r#"{"orders": {"$elemMatch": {"age": 1}}}"#),
            (r#"{"age": {"$elemMatch": {"age": 1}}}"#, r#"{"years": {"$elemMatch": {"age": 1}}}"#),
            (
                r#"{"$nor": [{"$segment": "A"}, {"$segment": "Ab"}]}"#,
                r#"{"$nor": [{"$segment": "B"}, {"$segment": "Ab"}]}"#,
            ),
            (
                r#"{"$segment": {"$in": ["A", "Ab"], "$ne": "A", "$nin": ["C", "A"]}, "$topic": "A"}"#,
                r#"{"$topic": "A", "$segment": {"$in": ["B", "Ab"], "$ne": "B", "$nin": ["C", "B"]}}"#,
            ),
        ] {
            assert_eq!(renamed(before, ("age", "years"), ("A", "B")), after);
        }
    }

    #[test]
    fn columns_of_rows_change_inside_conditions_on_them() {
        let names = Renaming { field: &|path| path.in_rows_renamed("orders", "total", "a.mount"), segment: &|_| None };
        for (before, after) in [
            (r#"{"total": 1, "orders.total": 2}"#, r#"{"total": 1, "orders.a\\.mount": 2}"#),
            (
                r#"{"orders": {"$some": {"total.x": 1, "b": 2}}}"#,
                r#"{"orders": {"$some": {"b": 2, "a\\.mount.x": 1}}}"#,
            ),
            (
                r#"{"orders": {"$by": "total", "$not": {"$filter": {"$or": [{"total": 1}]}, "$last": {"total": 2}}, "$sum": {"b": 1, "total": 3}}}"#,
                r#"{"orders": {"$by": "a\\.mount", "$not": {"$last": {"a\\.mount": 2}, "$filter": {"$or": [{"a\\.mount": 1}]}}, "$sum": {"b": 1, "a\\.mount": 3}}}"#,
            ),
            (
                r#"{"orders": {"$all": [{"$elemMatch": {"total": 1}}], "$sequence": [{"b": 1}, {"$none": {"total": 1}, "$within": "1 day"}]}}"#,
                r#"{"orders": {"$all": [{"$elemMatch": {"a\\.mount": 1}}], "$sequence": [{"b": 1}, {"$none": {"a\\.mount": 1}, "$within": "1 day"}]}}"#,
            ),
            (
                r#"{"orders": {"$some": {"$expr": {"$gt": ["$total", "$b"]}}}}"#,
                r#"{"orders": {"$some": {"$expr": {"$gt": ["$a\\.mount", "$b"]}}}}"#,
            ),
            (r#"{"other": {"$some": {"total": 1}}}"#, r#"{"other": {"$some": {"total": 1}}}"#),
            (
                r#"{"orders": {"$some": {"b": {"$some": {"total": 1}}}}}"#,
                r#"{"orders": {"$some": {"b": {"$some": {"total": 1}}}}}"#,
            ),
        ] {
            assert_eq!(parse(before).expect("a condition").renamed(&names).to_string(), after, "{before}");
        }
    }

    #[test]
    fn fields_of_elements_are_found_by_their_whole_paths() {
        let condition = r#"{"a": {"$by": "at", "$last": {"b": {"$some": {"c": 1}}}, "$sum": {"d": 1}}, "$expr": {"$gt": ["$e", "$f.g"]}}"#;
        let paths = parse(condition).expect("a condition").paths();
        let mut texts: Vec<&str> = paths.iter().map(Path::text).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts, ["a", "a.at", "a.b", "a.b.c", "a.d", "e", "f.g"]);
    }

    #[test]
    fn names_are_escaped_where_they_would_be_read_as_paths() {
        assert_eq!(renamed(r#"{"age": 1}"#, ("age", "a.b"), ("", "")), r#"{"a\\.b": 1}"#);
        assert_eq!(renamed(r#"{"a\\.b.c": 1}"#, ("a.b", "age"), ("", "")), r#"{"age.c": 1}"#);
        assert_eq!(renamed(r#"{"a.b": 1}"#, ("a.b", "age"), ("", "")), r#"{"a.b": 1}"#);
    }

    #[test]
    fn nothing_is_lost_where_the_new_name_is_there_already() {
        for (before, after) in [
            (r#"{"age": 1, "years": 2}"#, r#"{"$and": [{"years": 1}], "years": 2}"#),
            (r#"{"age": 1, "$and": [{"a": 3}], "years": 2}"#, r#"{"$and": [{"a": 3}, {"years": 1}], "years": 2}"#),
        ] {
            assert_eq!(renamed(before, ("age", "years"), ("", "")), after);
        }
    }
}
