//! A pattern finds what the regex crate finds, in short texts and in those that are searched step by step; and as the
//! complement of itself, what it does not find.

#![no_main]

use libfuzzer_sys::fuzz_target;
use regex::bytes::{Regex, RegexBuilder};
use segments_core::limits::PATTERN_BYTES;
use segments_core::pattern::Pattern;

fuzz_target!(|input: (u8, &str, &str)| {
    let (choice, source, text) = input;
    let options: String =
        "imsx".chars().zip(0..).filter(|(_, bit)| choice >> bit & 1 == 1).map(|(letter, _)| letter).collect();
    let has = |letter| options.contains(letter);
    let Ok(pattern) = Pattern::compile(source, Some(&options)) else { return };
    // Larger than the limit of patterns, which do not have all that a Regex has.
    let build = |source: &str| -> Result<Regex, regex::Error> {
        RegexBuilder::new(source)
            .case_insensitive(has('i'))
            .multi_line(has('m'))
            .dot_matches_new_line(has('s'))
            .ignore_whitespace(has('x'))
            .size_limit(16 * PATTERN_BYTES)
            .build()
    };
    let is_ours = source.contains(r"\Q") || source.contains("(?!") || source.contains("(?<!");
    let regex = match build(source) {
        Ok(regex) => regex,
        Err(_) if is_ours => return,
        Err(error) => panic!("{source:?} is a pattern here and not there: {error}"),
    };
    let complements = [
        (format!("^(?!{source}\n)"), format!("^(?:{source}\n)")),
        (format!("(?<!{source}\n)$"), format!("(?:{source}\n)$")),
        (format!("^((?!{source}\n).)*$"), format!("(?:{source}\n)")),
    ];
    // A newline ends a comment of option x, and is part of the pattern without it.
    let complements = complements.map(|(complement, inside)| {
        let compiled = Pattern::compile(&complement, Some(&options)).ok()?;
        Some((complement, compiled, build(&inside).ok()?))
    });
    let filling = " \n".repeat(1 << 15);
    for text in [text.to_owned(), format!("{filling}{text}"), format!("{text}{filling}")] {
        let found = pattern.is_match(text.as_bytes(), || ());
        assert_eq!(found, regex.is_match(text.as_bytes()), "{source:?} with {options:?} in {} bytes", text.len());
        for (complement, compiled, inside) in complements.iter().flatten() {
            let is_one_line = has('s') || !complement.starts_with("^((") || !text.contains('\n');
            let wanted = is_one_line && !inside.is_match(text.as_bytes());
            let found = compiled.is_match(text.as_bytes(), || ());
            assert_eq!(found, wanted, "{complement:?} with {options:?} in {} bytes", text.len());
        }
    }
});
