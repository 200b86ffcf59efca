//! Large patterns. `tests/cases/patterns.toml` has what patterns mean.

use segments_core::pattern::Pattern;

/// Unicode's classes make the pattern large: its forward automaton is within the limit, but the automata that the regex
/// crate adds are not.
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
