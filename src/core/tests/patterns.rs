//! Rule 8: how patterns are read where PCRE and JavaScript have more, or mean something else.

use segments_core::error::ErrorKind;
use segments_core::pattern::Pattern;

fn finds(pattern: &str, options: &str, text: &str) -> bool {
    let options = (!options.is_empty()).then_some(options);
    Pattern::compile(pattern, options)
        .unwrap_or_else(|refusal| panic!("{pattern}: {refusal:?}"))
        .is_match(text.as_bytes(), || ())
}

fn message(pattern: &str, options: &str) -> String {
    let (kind, message, _) = Pattern::compile(pattern, Some(options)).expect_err(pattern);
    assert_eq!(kind, ErrorKind::BadPattern);
    message
}

type Case<'c> = (&'c str, &'c str, &'c [&'c str], &'c [&'c str]);

/// Pattern, options, texts that match and texts that do not.
fn assert_finds(cases: &[Case]) {
    for (pattern, options, matching, others) in cases {
        for (texts, wanted) in [(matching, true), (others, false)] {
            for text in *texts {
                assert_eq!(finds(pattern, options, text), wanted, "{pattern} with {options:?} on {text:?}");
            }
        }
    }
}

#[test]
fn shapes_that_say_not_are_complements() {
    assert_finds(&[
        ("^(?!ab)", "", &["", "b", "xab", "x\nab"], &["ab", "abc"]),
        ("^(?!a|b)", "", &["", "xa"], &["a", "b"]),
        ("^(?!ab)", "i", &["xab"], &["aB", "ABC"]),
        ("(?i)^(?!ab)", "", &["xab"], &["aB"]),
        ("^(?!)", "", &[], &["", "a"]),
        ("^(?!a*)", "", &[], &["", "b"]),
        ("^(?!a.c)", "", &["a\nc"], &["abc"]),
        ("^(?!a.c)", "s", &[], &["a\nc"]),
        ("^(?! a # b\n c )", "x", &["ab", "a c"], &["ac"]),
        ("^(?!(?m)a$)", "", &["ab"], &["a", "a\nb"]),
        // With more behind it
        ("^(?!ab)[a-c]+$", "", &["a", "ba", "cab"], &["", "ab", "abc", "x"]),
        ("^(?!ab).*$", "", &["", "xab"], &["ab", "x\n"]),
        ("^(?!.*ab).*$", "", &["", "ba", "axb"], &["ab", "xaby", "x\ny"]),
        ("^(?!.*ab).*$", "s", &["x\ny"], &["x\nab"]),
        ("^(?!ab)(?:a|x)", "", &["ax", "xab"], &["ab", "bx"]),
        ("^(?!a$)", "", &["", "ab", "a\n"], &["a"]),
        ("^(?!ab)(?i)X", "", &["x", "X"], &["ab"]),
        (r"^(?!\Q(\E)", "", &[")("], &["("]),
        // At the end
        ("(?<!ab)$", "", &["", "aba", "ab\n"], &["ab", "xab"]),
        ("(?<!a|b)$", "", &["", "ac"], &["a", "cb"]),
        ("(?<!^a)$", "", &["", "ba"], &["a"]),
        ("(?<!ab)$", "i", &["aBc"], &["xAB"]),
        // Nowhere
        ("^((?!ab).)*$", "", &["", "a", "ba"], &["ab", "xaby", "x\ny", "\n"]),
        ("^((?!ab).)*$", "s", &["x\ny", "a\nb"], &["x\nab"]),
        ("^(?:(?!ab).)*$", "i", &["ba"], &["xAb"]),
        ("(?s)^((?!ab).)*$", "", &["x\ny"], &["x\nab"]),
        ("^((?!^a).)*$", "", &["ba"], &["ab"]),
        (r"^((?!\bb).)*$", "", &["ab"], &["a b"]),
        ("^((?!a$).)*$", "", &["ab"], &["ba"]),
        ("^((?!a\nb).)*$", "s", &["a\n"], &["xa\nb"]),
    ]);
}

#[test]
fn other_look_around_is_refused() {
    for pattern in [
        "^(?=a)",
        "^(?!a)|b",
        "(?!a)",
        "(?!a)b",
        "x^(?!a)",
        "^a(?!b)",
        "^(?!a)(?!b)",
        "^(?!a(?!b))",
        "^(?!a)b(?<!c)$",
        "^(?!a)*",
        "^(?!a)?b",
        "(^(?!a))",
        "(?<!a)",
        "^(?<!a)$",
        ".*(?<!a)$",
        "(?<!a)$b",
        "(?<=a)$",
        "^((?!a).)+$",
        "^((?!a).)*",
        "((?!a).)*$",
        "^((?!a)..)*$",
        "^((?!a)b)*$",
        "^(.(?!a))*$",
        "^(?i:(?!a).)*$",
        r"\A(?!a)",
        "^(a|(?!b))",
    ] {
        let message = message(pattern, "");
        assert!(message.starts_with("invalid pattern: look-ahead and look-behind, but for"), "{pattern}: {message}");
    }
    for (pattern, options) in
        [("^(?!a)", "m"), ("(?<!a)$", "m"), ("^((?!a).)*$", "ims"), ("(?m)^(?!a)", ""), ("(?i)(?sm)^(?!a)", "")]
    {
        assert_eq!(
            message(pattern, options),
            "invalid pattern: (?! and (?<! are not supported with option m",
            "{pattern}"
        );
    }
    assert_finds(&[("(?-m)^(?!a)", "m", &["b\na"], &["a"])]);
    for pattern in ["^((?!a*).)*$", "^((?!).)*$", "^((?!a|).)*$", r"^((?!\b).)*$", "^((?!$).)*$"] {
        assert_eq!(message(pattern, ""), "invalid pattern: X matches the empty string in ^((?!X).)*$", "{pattern}");
    }
}

#[test]
fn quoted_text_is_literal() {
    assert_finds(&[
        (r"^\Qa.b*\E$", "", &["a.b*"], &["axb*", "a.bb"]),
        (r"\Q(?!", "", &["x(?!"], &[""]),
        (r"^a\Q\E+$", "", &["aa"], &[]),
        (r"^\Qab\E+$", "", &["abb"], &["abab"]),
        (r"^[\Q]-a^\E]+$", "", &["]-a^"], &["b", "_"]),
        (r"^\Qa b#\E c$", "x", &["a b#c"], &["ab#c"]),
        ("a # \\Q\nb\\Q.", "x", &["ab."], &["abx"]),
        (r"\\Q", "", &[r"\Q"], &["Q"]),
        (r"\Qé{2}\E{2}", "", &["é{2}}"], &["éé"]),
    ]);
}

#[test]
fn what_looks_like_a_refused_construct_is_not_refused() {
    assert_finds(&[
        (r"^\++$", "", &["++"], &["a"]),
        (r"^[+]+$", "", &["++"], &["a"]),
        (r"^(?:a+)+?b", "", &["aab"], &["b"]),
        (r"^[a\-\-&~^]+$", "", &["a-&~^"], &["b"]),
        (r"^[\[\]]$", "", &["[", "]"], &["a"]),
        (r"^[]a]$", "", &["]", "a"], &["b"]),
        (r"^[^]a]$", "", &["b"], &["]", "a"]),
        (r"^[[:alpha:][:^digit:]]$", "", &["a", "-"], &["1"]),
        (r"^a\{2}$", "", &["a{2}"], &["aa"]),
        (r"^a{2}$", "", &["aa"], &["a"]),
        (r"^a{2,}b{1,2}$", "", &["aab"], &["ab"]),
        (r"^[{]$", "", &["{"], &["a"]),
        (r"^\p{Greek}\pL\x{41}\x41\u0041$", "", &["αaAAA"], &["aaaaa"]),
        ("(?x) a b # ( [ \\Q\n c", "", &["abc"], &["a b c"]),
        ("(?x)(?-x:a [ ]b)", "", &["a  b"], &["ab"]),
        ("(?x:a b)[ ]c", "", &["ab c"], &["a b c"]),
        (r"(?x)[\ \#]", "", &[" ", "#"], &["a"]),
        (r"<\/a>", "", &["</a>"], &["a"]),
        (r"(?P<n[>a)b", "", &["ab"], &["b"]),
        (r"a(?i)b|c", "", &["aB", "C"], &["AB"]),
        (r"^\bа\b$", "", &["а"], &["аа"]),
    ]);
}

#[test]
fn numbers_after_a_backslash_are_octal_where_there_are_fewer_groups() {
    assert!(message(r"(a)\2", "").contains("back-references"));
    assert!(message(&format!(r"{}\10", "(a)".repeat(10)), "").contains("back-references"));
    assert!(message(&format!(r"{}\10", "(a)".repeat(9)), "").contains("octal escapes"));
    assert!(message(r"(a)[\1]", "").ends_with(r"octal escapes are not supported: \1"));
    assert!(message(r"(a)\101b", "").ends_with(r"octal escapes are not supported: \101"));
}

/// The classes of Unicode make it large: the forward automaton is within the limit, what the regex crate adds is not.
#[test]
fn large_patterns_match_as_small_ones_do() {
    assert_finds(&[
        (r"^\w{3,50}$", "", &["abc", "äöü", "x_1"], &["ab", "a b c", "", "abc\n"]),
        (r"\b\w{40,45}\b", "", &[&"é".repeat(41), &format!("a {} é", "b".repeat(45))], &["é", &"é".repeat(46)]),
    ]);
}
