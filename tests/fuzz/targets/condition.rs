//! Any text is a condition or a mistake, and a condition prints as text that reads back as it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use segments_core::check::{DocumentOnly, check};
use segments_core::parse::parse;
use segments_core::program::Program;
use segments_core::value::Json;

fuzz_target!(|text: &str| {
    if let Ok(document) = Json::parse(text) {
        assert_eq!(Json::parse(&document.to_string()).expect("what is printed reads back"), document);
    }
    let Ok(condition) = parse(text) else { return };
    let printed = condition.to_string();
    assert_eq!(parse(&printed).as_ref(), Ok(&condition), "{printed}");
    if let Ok(checked) = check(&condition, &DocumentOnly) {
        Program::compile(&checked);
    }
});
