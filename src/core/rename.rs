//! Renames fields, topics and segments in a condition.

use crate::ast::{Condition, Junction, Member};
use crate::path::Path;
use crate::value::key_order;

/// Functions that return new names; `None` if a name stays.
pub struct Renaming<'r> {
    /// For fields of contacts
    pub field: &'r dyn Fn(&Path) -> Option<Path>,
    /// For segments
    pub segment: &'r dyn Fn(&str) -> Option<String>,
}

impl Condition {
    /// The same condition with the new names. Fields of elements inside `$elemMatch` keep theirs.
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
                Member::Field((names.field)(path).unwrap_or_else(|| path.clone()), predicate.clone())
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
