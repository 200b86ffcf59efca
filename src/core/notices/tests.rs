//! What is noticed, and what is not.

use super::*;
use crate::check::{Declaration, DocumentOnly, RelationDeclaration};
use crate::error::Refusal;
use crate::parse::parse;
use crate::types::ScalarType;

fn found(condition: &str) -> Vec<(String, String)> {
    let condition = parse(condition).expect("a condition");
    notices(&condition, &DocumentOnly).into_iter().map(|notice| (notice.pointer, notice.message)).collect()
}

#[test]
fn complements_that_include_missing_values_are_told() {
    for (condition, pointer) in [
        (r#"{"a": {"$ne": 1}}"#, "/a/$ne"),
        (r#"{"$and": [{"a": {"$nin": [1]}}]}"#, "/$and/0/a/$nin"),
        (r#"{"a": {"$not": {"$gt": 1}}}"#, "/a/$not"),
    ] {
        assert_eq!(found(condition).iter().map(|(pointer, _)| pointer.as_str()).collect::<Vec<_>>(), [pointer]);
    }
    for silent in [
        r#"{"a": {"$ne": 1, "$exists": true}}"#,
        r#"{"a": {"$ne": null}}"#,
        r#"{"a": {"$nin": [null]}}"#,
        r#"{"a": {"$not": {"$exists": false}}}"#,
    ] {
        assert_eq!(found(silent), [], "{silent}");
    }
}

#[test]
fn tests_that_hold_without_elements_are_told() {
    for (condition, pointers) in [
        (r#"{"a": {"$none": {"b": 1}}}"#, &["/a/$none"][..]),
        (r#"{"a": {"$every": {"b": 1}, "$filter": {"c": 1}}}"#, &["/a/$every"]),
        (r#"{"a": {"$every": {"b": 1}, "$none": {"c": 1}}}"#, &["/a/$none", "/a/$every"]),
        (r#"{"a": {"$count": {"$lt": 3}}}"#, &["/a/$count"]),
        (r#"{"a": {"$count": {"$ne": 3}}}"#, &["/a/$count"]),
        (r#"{"a": {"$not": {"$filter": {"c": 1}, "$count": {"$gte": 3}}}}"#, &["/a/$not"]),
        (r#"{"a": {"$not": {"$by": "at", "$sequence": [{"n": 1}, {"n": 2, "$within": "1 day"}]}}}"#, &["/a/$not"]),
    ] {
        let found = found(condition);
        assert_eq!(found.iter().map(|(pointer, _)| pointer.as_str()).collect::<Vec<_>>(), pointers, "{condition}");
    }
    for silent in [
        r#"{"a": {"$count": 0}}"#,
        r#"{"a": {"$count": {"$lte": 0, "$gt": 5}}}"#,
        r#"{"a": {"$count": {"$gte": 1, "$lt": 3}}}"#,
        r#"{"a": {"$every": {"b": 1}, "$count": {"$gte": 1}}}"#,
        r#"{"a": {"$none": {"b": 1}, "$some": {"c": 1}}}"#,
        r#"{"a": {"$none": {"b": 1}, "$empty": false}}"#,
        r#"{"a": {"$some": {"b": 1}, "$sum": {"b": {"$lt": 1}}}}"#,
    ] {
        assert_eq!(found(silent), [], "{silent}");
    }
    let forgotten = |condition: &str| {
        let notice = notices(&parse(condition).unwrap(), &DocumentOnly).remove(0);
        let Some(Includes::Matching(included)) = notice.includes else { panic!("{condition}") };
        (notice.message, included.to_string())
    };
    assert_eq!(
        forgotten(r#"{"a": {"$none": {"b": 1}}}"#),
        ("$none also holds for contacts without elements in \"a\"".to_owned(), r#"{"a": {"$count": 0}}"#.to_owned())
    );
    assert_eq!(
        forgotten(r#"{"x.a": {"$filter": {"c": 1}, "$count": {"$lt": 3}}}"#),
        (
            "$count also holds for contacts without elements in \"x.a\" that satisfy its $filter".to_owned(),
            r#"{"x.a": {"$count": 0, "$filter": {"c": 1}}}"#.to_owned()
        )
    );
}

/// An audience with a relation `a`, which has fields.
struct Related;

impl Environment for Related {
    fn property(&self, name: &Path) -> Declaration {
        let scalar = |scalar| Declaration::Property(PropertyType::Scalar(scalar));
        match name.text() {
            "a.at" => scalar(ScalarType::Timestamp),
            "a.b" | "a.c" => scalar(ScalarType::Number),
            "b" => scalar(ScalarType::String),
            _ => Declaration::Unknown,
        }
    }

    fn relation(&self, name: &str) -> Result<Option<RelationDeclaration>, Refusal> {
        Ok((name == "a").then_some(RelationDeclaration { time: None, has_key: true }))
    }
}

#[test]
fn what_different_rows_may_satisfy_is_told() {
    let all = |condition: &str| notices(&parse(condition).expect("a condition"), &Related);
    let shown = |notice: &Notice| {
        let included = match &notice.includes {
            Some(Includes::Matching(included)) => format!(" {included}"),
            _ => String::new(),
        };
        format!("{} {}: {}{included}", notice.pointer, notice.message, notice.hint)
    };
    for (condition, expected) in [
        (
            r#"{"a.b": 1, "a.c": {"$gt": 5}, "b": "x"}"#,
            r#"/a.c "a.b" and "a.c" may be met by different rows: To test one row with both, write {"a": {"$some": {"b": …, "c": …}}}."#,
        ),
        (
            r#"{"$or": [{"a.b": 1}, {"$and": [{"a.b": 2}, {"a.b": 3}]}]}"#,
            r#"/$or/1/$and/1/a.b "a.b" and "a.b" may be met by different rows: To test one row with both, write {"a": {"$some": {"b": …}}}."#,
        ),
        (
            r#"{"a.b": {"$gt": 5, "$lt": 1}}"#,
            r#"/a.b the two bounds may be met by different rows: To test one row with both, write {"a": {"$some": {"b": …}}}."#,
        ),
        (
            r#"{"a.b": {"$ne": 1}}"#,
            r#"/a.b/$ne $ne also holds for contacts without rows in "a": To ask for a row for which it holds, put it inside: {"a": {"$some": {"b": …}}}. {"a": {"$count": 0}}"#,
        ),
        (
            r#"{"a": {"$not": {"$count": {"$gte": 3}}}}"#,
            r#"/a/$not $not also holds for contacts without rows in "a": To leave them out, add "$empty": false beside $not. {"a": {"$count": 0}}"#,
        ),
        (
            r#"{"a": {"$count": {"$lt": 3}, "$filter": {"b": 1}}}"#,
            r#"/a/$count $count also holds for contacts without elements in "a" that satisfy its $filter: To leave them out, add "$gte": 1 to it. {"a": {"$count": 0, "$filter": {"b": 1}}}"#,
        ),
    ] {
        assert_eq!(all(condition).iter().map(shown).collect::<Vec<_>>(), [expected], "{condition}");
    }
    for silent in [
        r#"{"$or": [{"a.b": 1}, {"a.c": 1}]}"#,
        r#"{"a.b": 1, "a.c": {"$exists": false}, "b": "x"}"#,
        r#"{"a": {"$some": {"b": 1, "c": 1}}, "a.b": 1}"#,
        r#"{"a.at": {"$gte": "2024-01-01"}}"#,
    ] {
        assert_eq!(all(silent).iter().map(shown).collect::<Vec<_>>(), Vec::<String>::new(), "{silent}");
    }
}

#[test]
fn parts_that_no_date_has_are_told() {
    for (condition, pointer) in [
        (r#"{"a": {"$month": 13}}"#, "/a/$month"),
        (r#"{"a": {"$hour": {"$in": [9, 24]}}}"#, "/a/$hour"),
        (r#"{"a": {"$isoDayOfWeek": 0}}"#, "/a/$isoDayOfWeek"),
    ] {
        let [(found, message)] = &found(condition)[..] else { panic!("{condition}") };
        assert!(found == pointer && message.starts_with("no date has "), "{condition}");
    }
    assert_eq!(found(r#"{"a": {"$month": {"$gte": 0, "$lt": 13}, "$hour": 0}}"#), []);
    // Complements hold for missing values.
    assert_eq!(found(r#"{"a": {"$month": {"$ne": 5}}}"#)[0].0, "/a/$month");
}

#[test]
fn what_holds_for_everyone_or_nobody_is_told() {
    for everyone in [
        "{}",
        r#"{"$or": [{"a": 1}, {}]}"#,
        r#"{"$and": [{}, {}]}"#,
        r#"{"a": {"$nin": []}}"#,
        r#"{"$segment": {"$nin": []}}"#,
        r#"{"$expr": {"$gt": [2, 1]}}"#,
        r#"{"a": {"$month": {"$nin": []}}}"#,
    ] {
        assert_eq!(found(everyone)[0].1, "condition holds for everyone", "{everyone}");
    }
    for nobody in [
        r#"{"$nor": [{"a": 1}, {}]}"#,
        r#"{"$not": {}}"#,
        r#"{"a": 1, "b": {"$in": []}}"#,
        r#"{"$topic": {"$in": []}}"#,
        r#"{"$expr": {"$gt": [1, 2]}}"#,
        r#"{"a": {"$anniversary": {"$in": []}}}"#,
    ] {
        assert_eq!(found(nobody)[0].1, "condition holds for nobody", "{nobody}");
    }
    assert_eq!(found(r#"{"$or": [{"a": 1}, {"b": {"$in": []}}]}"#), []);
}

#[test]
fn contradictions_are_told() {
    for condition in [
        r#"{"a": {"$gte": 10, "$lte": 5}}"#,
        r#"{"a": {"$gt": 5, "$lte": 5}}"#,
        r#"{"a": {"$gt": "b", "$lt": "a"}}"#,
        r#"{"a": {"$gt": {"$now": "-1 day"}, "$lt": {"$now": "-2 days"}}}"#,
        r#"{"a": {"$gte": {"$date": "2024-02-01"}, "$lt": {"$date": "2024-01-01"}}}"#,
        r#"{"a": {"$gt": {"$period": "this month"}, "$lte": {"$period": "this month"}}}"#,
        r#"{"a": {"$gte": {"$period": "next month"}, "$lt": {"$period": "this week"}}}"#,
        r#"{"a": {"$eq": 1, "$ne": 1}}"#,
        r#"{"a": {"$eq": 1, "$nin": [2, 1]}}"#,
    ] {
        assert!(found(condition)[0].1.starts_with("no value satisfies both"), "{condition}");
    }
    for silent in [
        r#"{"a": {"$gte": 5, "$lte": 5}}"#,
        r#"{"a": {"$gte": 5, "$lte": "a"}}"#,
        r#"{"a": {"$gte": {"$period": "this month"}, "$lte": {"$period": "this week"}}}"#,
        r#"{"a": {"$gte": {"$period": "this month"}, "$lte": {"$period": "this month"}}}"#,
        r#"{"a": {"$as": "number[]", "$eq": 9, "$lte": 5}}"#,
    ] {
        assert_eq!(found(silent), [], "{silent}");
    }
}

#[test]
fn values_that_mean_something_else_are_told() {
    for (condition, message) in [
        (r#"{"a": {"$regex": "/^x/i"}}"#, "the slashes are part of the pattern, and must be in the text"),
        (
            r#"{"a": {"$not": {"$regex": "/^x/i"}, "$exists": true}}"#,
            "the slashes are part of the pattern, and must be in the text",
        ),
        (
            r#"{"a": {"$elemMatch": {"$regex": "/^x/i"}}}"#,
            "the slashes are part of the pattern, and must be in the text",
        ),
        (r#"{"a": {"$contains": "%x%"}}"#, "% in $contains is no wildcard"),
        (r#"{"a": {"$gte": "30 days ago"}}"#, "\"30 days ago\" is compared as text, not as a date"),
        (r#"{"a": {"$type": "int"}}"#, "\"int\" means any number"),
        (r#"{"a": {"$type": ["string", 18]}}"#, "18 means any number"),
        (
            r#"{"a": {"$in": [{"$regularExpression": {"pattern": "/^x/"}}]}}"#,
            "the slashes are part of the pattern, and must be in the text",
        ),
        (r#"{"a": {"$all": [1, {}]}}"#, "{} is compared as a value: the empty object"),
        (r#"{"a": {}}"#, "{} is compared as a value: the empty object"),
        (
            r#"{"a": {"$as": "string[]", "$eq": ["vip"]}}"#,
            "an array is compared as a whole: only arrays with exactly this element match",
        ),
    ] {
        assert_eq!(found(condition).iter().map(|(_, message)| message.as_str()).collect::<Vec<_>>(), [message]);
    }
    for silent in [
        r#"{"a": {"$regex": "^/a/b"}}"#,
        r#"{"a": {"$type": ["number", 2, "null"]}}"#,
        r#"{"a": {"$as": "date", "$gte": {"$date": "2024-01-01"}}}"#,
    ] {
        assert_eq!(found(silent), [], "{silent}");
    }
}

#[test]
fn bounds_on_arrays_and_dates_as_text_are_told() {
    assert_eq!(found(r#"{"a": {"$as": "number[]", "$gt": 1, "$lt": 5}}"#)[0].0, "/a");
    assert_eq!(found(r#"{"a": {"$as": "number", "$gt": 1, "$lt": 5}}"#), []);
    assert_eq!(found(r#"{"a": {"$gte": "2024-01-01"}}"#)[0].0, "/a/$gte");
    assert_eq!(found(r#"{"a": {"$as": "date", "$gte": "2024-01-01"}}"#), []);
    assert_eq!(found(r#"{"a": "2024-01-01"}"#)[0].0, "/a");
    assert_eq!(found("{}")[0].1, "condition holds for everyone");
}
