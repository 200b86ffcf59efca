//! The limits of the language: a condition just within a limit passes, and one more is refused with the name of the
//! limit.

mod common;

use common::{assert_kind, refusal};
use segments_core::error::ErrorKind::{BadPattern, NotJson, TooDeep, TooLarge, Unsupported};
use segments_core::limits;

#[test]
fn limit_of_nesting() {
    let too_deep = format!("condition is nested deeper than {} levels", limits::NESTING);
    let nest = |open: &str, inner: &str, close: &str, levels: usize| {
        format!("{}{inner}{}", open.repeat(levels), close.repeat(levels))
    };
    for (open, inner, close) in [
        (r#"{"$and": ["#, r#"{"a": 1}"#, "]}"),
        (r#"{"$or": [{"b": 1}, "#, r#"{"a": {"$gt": 1}}"#, "]}"),
        (r#"{"$not": "#, r#"{"a": {"$as": "number", "$gt": 1}}"#, "}"),
        (r#"{"a": {"$elemMatch": "#, r#"{"a": 1}"#, "}}"),
    ] {
        assert_kind(&nest(open, inner, close, limits::NESTING - 1), None);
        assert_kind(&nest(open, inner, close, limits::NESTING), None);
        let error = refusal(&nest(open, inner, close, limits::NESTING + 1)).unwrap();
        assert_eq!((error.kind, &error.message), (TooDeep, &too_deep));
    }
    for (open, inner, close) in [("[", "1", "]"), (r#"{"b": "#, "1", "}"), (r#"{"$not": "#, r#"{"$gt": 1}"#, "}")] {
        let field = |levels| format!(r#"{{"a": {}}}"#, nest(open, inner, close, levels));
        assert_kind(&field(limits::NESTING), None);
        assert_kind(&field(limits::NESTING + 1), Some(TooDeep));
    }
    assert_kind(&nest("{\"$not\": ", "1", "}", 10_000), Some(TooDeep));
    assert_kind(&format!("{{\"a\": {}}}", nest("[", "1", "]", 10_000)), Some(TooDeep));
    let path = |keys: usize| format!(r#"{{"{}": 1}}"#, vec!["a"; keys].join("."));
    assert_kind(&path(limits::NESTING), None);
    assert_kind(&path(limits::NESTING + 1), Some(TooDeep));
    // Brackets without an end
    assert_kind(&"[".repeat(1_000_000), Some(NotJson));
}

#[test]
fn limit_of_numbers_in_a_path() {
    let path = |keys: usize| format!("a{}", ".0".repeat(keys));
    let within =
        |keys: usize, inner: usize| format!(r#"{{"{}": {{"$elemMatch": {{"{}": 1}}}}}}"#, path(keys), path(inner));
    assert_kind(&within(limits::INDEXES, 0), None);
    assert_kind(&within(3, limits::INDEXES - 3), None);
    assert_kind(&format!(r#"{{"{0}": 1, "{0}.b": 1}}"#, path(limits::INDEXES)), None);
    let error = refusal(&within(4, limits::INDEXES - 3)).unwrap();
    assert_eq!(
        (error.kind, error.pointer),
        (TooLarge, format!("/{}/$elemMatch/{}", path(4), path(limits::INDEXES - 3)))
    );
    assert_eq!(error.message, "more than 8 keys of a path are numbers");
}

/// Tests on elements are two levels each: their checked form may need another one around it.
#[test]
fn limit_of_nested_elements() {
    for operator in ["$some", "$none", "$every", "$first"] {
        let nest = |levels: usize| {
            format!("{}{{\"a\": 1}}{}", format!("{{\"a\": {{\"{operator}\": ").repeat(levels), "}}".repeat(levels))
        };
        assert_kind(&nest(limits::NESTING / 2), None);
        assert_kind(&nest(limits::NESTING / 2 + 1), Some(TooDeep));
    }
    let sequence = |levels: usize| {
        format!("{}{{\"a\": 1}}{}", "{\"a\": {\"$sequence\": [{\"b\": 1}, ".repeat(levels), "]}}".repeat(levels))
    };
    assert_kind(&sequence(limits::NESTING / 2), None);
    assert_kind(&sequence(limits::NESTING / 2 + 1), Some(TooDeep));
}

/// Each test beside a filter has the filter's nodes once more.
#[test]
fn limit_of_filters() {
    let tests = r#""$count": 1, "$every": {"b": 1}, "$first": {"b": 1}, "$sum": {"b": 1}"#;
    let filtered = |fields: usize| {
        let fields: Vec<String> = (0..fields).map(|n| format!(r#""k{n}": 1"#)).collect();
        format!(r#"{{"a": {{"$filter": {{{}}}, {tests}}}}}"#, fields.join(", "))
    };
    assert_kind(&filtered(2_400), None);
    for fields in [2_500, 2_501, 9_000] {
        let error = refusal(&filtered(fields)).unwrap();
        assert_eq!(error.kind, TooLarge, "{fields}");
        assert_eq!(error.message, "condition has more than 10000 nodes with its filters put to each test beside them");
    }
    // Filters inside filters, each copied three times
    let nested = (0..15).fold(r#"{"b": 1}"#.to_owned(), |inner, _| {
        format!(r#"{{"a": {{"$filter": {inner}, "$count": 1, "$every": {{"b": 1}}, "$sum": {{"b": 1}}}}}}"#)
    });
    assert_kind(&nested, Some(TooLarge));
}

#[test]
fn limit_of_nodes() {
    let members =
        |count: usize| format!("{{{}}}", (0..count).map(|n| format!(r#""k{n}": 1"#)).collect::<Vec<_>>().join(", "));
    assert_kind(&members(limits::NODES), None);
    let error = refusal(&members(limits::NODES + 1)).unwrap();
    assert_eq!(
        (error.kind, error.message.as_str()),
        (TooLarge, "condition has more than 10000 tests, logical operators and values")
    );
    // $or is a node, and so are each test, typed or not, and each value inside a literal.
    let or = |count: usize, each: &str| format!(r#"{{"$or": [{}]}}"#, vec![each; count].join(", "));
    assert_kind(&or(limits::NODES - 1, r#"{"a": {"$as": "number", "$gt": 1}}"#), None);
    assert_kind(&or(limits::NODES, r#"{"a": 1}"#), Some(TooLarge));
    let array = |count: usize| format!(r#"{{"a": [{}]}}"#, vec!["1"; count].join(", "));
    assert_kind(&array(limits::NODES - 1), None);
    assert_kind(&array(limits::NODES), Some(TooLarge));
}

#[test]
fn limit_of_entries() {
    for operator in ["$in", "$nin", "$all"] {
        let list = |count: usize| format!(r#"{{"a": {{"{operator}": [{}]}}}}"#, vec!["1"; count].join(", "));
        assert_kind(&list(limits::ENTRIES), None);
        let error = refusal(&list(limits::ENTRIES + 1)).unwrap();
        assert_eq!((error.kind, error.pointer), (TooLarge, format!("/a/{operator}")));
        assert_eq!(error.message, format!("{operator} lists 10001 entries, more than the limit of 10000"));
    }
    let sequence = |count: usize| format!(r#"{{"a": {{"$sequence": [{}]}}}}"#, vec![r#"{"b": 1}"#; count].join(", "));
    assert_kind(&sequence(limits::SEQUENCE), None);
    let error = refusal(&sequence(limits::SEQUENCE + 1)).unwrap();
    assert_eq!((error.kind, error.pointer), (TooLarge, "/a/$sequence".to_owned()));
    assert_eq!(error.message, "$sequence lists 65 conditions, more than the limit of 64");
    // Entries are no nodes, but values inside entries are.
    let two = |count: usize| {
        let list = vec!["1"; count].join(", ");
        format!(r#"{{"a": {{"$in": [{list}]}}, "b": {{"$in": [{list}]}}}}"#)
    };
    assert_kind(&two(limits::ENTRIES), None);
    let arrays = format!(r#"{{"a": {{"$in": [{}]}}}}"#, vec!["[1, 2]"; 5_000].join(", "));
    assert_kind(&arrays, Some(TooLarge));
}

#[test]
fn limits_of_patterns() {
    let regex = |pattern: &str| format!(r#"{{"a": {{"$regex": "{pattern}"}}}}"#);
    // Mail domains. The size of the compiled pattern counts, not the length of its text.
    let domains = |count: usize| {
        let names: Vec<String> =
            (0..count).map(|n| format!("mail{n}\\\\.example{}\\\\.com", n * 7919 % 1000)).collect();
        regex(&format!("@({})$", names.join("|")))
    };
    assert_kind(&domains(1000), None);
    assert_kind(&domains(10_000), Some(TooLarge));
    // Unicode's classes are large compiled.
    assert_kind(&regex(r"^\\w{3,50}$"), None);
    assert_kind(&regex("[a-z]{1000}"), None);
    let error = refusal(&regex(r"\\w{100}")).unwrap();
    assert_eq!((error.kind, error.message.as_str()), (TooLarge, "compiled pattern exceeds the limit of 1048576 bytes"));
    // This must be refused quickly
    assert_kind(&regex("((((x{99}){99}){99}){99}){99}"), Some(TooLarge));
    assert_kind(&regex(&"(".repeat(1000)), Some(BadPattern));
    for pattern in ["k", "k|", "[a-c]", r"\\w", r"[\\w]", "(?:)", "(", "#"] {
        assert!(refusal(&regex(&pattern.repeat(1 << 18))).is_some(), "{pattern}");
        // The longest pattern that is read
        _ = refusal(&regex(&pattern.repeat((limits::PATTERN_BYTES / 8) / pattern.len())));
    }
    // Text that is compared without regard to case is compiled, too. The size of the compiled text is limited, not its
    // length.
    let contains = |length: usize| format!(r#"{{"a": {{"$contains": "{}", "$options": "i"}}}}"#, "k".repeat(length));
    assert_kind(&contains(1001), None);
    assert_kind(&contains(50_000), Some(TooLarge));
    assert_kind(&contains(limits::TEXT_BYTES - 100), Some(TooLarge));
    assert_kind(&format!(r#"{{"a": {{"$contains": "{}"}}}}"#, "k".repeat(70_000)), None);
    // Several patterns together
    let several = |count: usize| {
        let patterns: Vec<String> = (0..count).map(|_| regex(r"\\w{10}")).collect();
        format!(r#"{{"$or": [{}]}}"#, patterns.join(", "))
    };
    assert_kind(&several(50), None);
    let error = refusal(&several(200)).unwrap();
    assert_eq!(
        (error.kind, error.message.as_str()),
        (TooLarge, "patterns of the condition take more than 67108864 bytes compiled")
    );
}

#[test]
fn long_names_are_refused_quickly() {
    let long = "x".repeat(limits::TEXT_BYTES - 100);
    assert_kind(&format!(r#"{{"${long}": 1}}"#), Some(Unsupported));
}

#[test]
fn limit_of_text() {
    let text = |bytes: usize| format!("{{}}{}", " ".repeat(bytes - 2));
    assert_kind(&text(limits::TEXT_BYTES), None);
    let error = refusal(&text(limits::TEXT_BYTES + 1)).unwrap();
    assert_eq!(
        (error.kind, error.message.as_str()),
        (TooLarge, "condition has 4194305 bytes, more than the limit of 4194304")
    );
}
