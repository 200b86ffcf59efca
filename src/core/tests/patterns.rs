//! Rule 8: large patterns. What patterns mean is in `tests/cases/patterns.toml`.

use segments_core::pattern::Pattern;

/// The classes of Unicode make it large: the forward automaton is within the limit, what the regex crate adds is not.
#[test]
fn large_patterns_match_as_small_ones_do() {
    let cases: [(&str, &[&str], &[&str]); 2] = [
        (r"^\w{3,50}$", &["abc", "äöü", "x_1"], &["ab", "a b c", "", "abc\n"]),
        (r"\b\w{40,45}\b", &[&"é".repeat(41), &format!("a {} é", "b".repeat(45))], &["é", &"é".repeat(46)]),
    ];
    for (pattern, matching, others) in cases {
        let compiled = Pattern::compile(pattern, None).unwrap_or_else(|refusal| panic!("{pattern}: {refusal:?}"));
        for (texts, wanted) in [(matching, true), (others, false)] {
            for text in texts {
                assert_eq!(compiled.is_match(text.as_bytes(), || ()), wanted, "{pattern} on {text:?}");
            }
        }
    }
}
