//! A pattern finds what the regex crate finds, in short texts and in those that are searched step by step.

#![no_main]

use libfuzzer_sys::fuzz_target;
use regex::bytes::RegexBuilder;
use segments_core::limits::PATTERN_BYTES;
use segments_core::pattern::Pattern;

fuzz_target!(|input: (u8, &str, &str)| {
    let (choice, source, text) = input;
    let options: String =
        "imsx".chars().zip(0..).filter(|(_, bit)| choice >> bit & 1 == 1).map(|(letter, _)| letter).collect();
    let Ok(pattern) = Pattern::compile(source, Some(&options)) else { return };
    let regex = RegexBuilder::new(source)
        .case_insensitive(options.contains('i'))
        .multi_line(options.contains('m'))
        .dot_matches_new_line(options.contains('s'))
        .ignore_whitespace(options.contains('x'))
        .size_limit(PATTERN_BYTES)
        .build()
        .expect("what is a pattern here is one there");
    let filling = " \n".repeat(1 << 15);
    for text in [text.to_owned(), format!("{filling}{text}"), format!("{text}{filling}")] {
        let found = pattern.is_match(text.as_bytes(), || ());
        assert_eq!(found, regex.is_match(text.as_bytes()), "{source:?} with {options:?} in {} bytes", text.len());
    }
});
