//! Scans the tokens of a pattern before it is parsed: refuses what the parser would read in another way than PCRE, or
//! with a bad message; reads `\Q…\E`; and finds look-around that says "not".

use super::construct::{
    ANGLE, ATOMIC, BACK_REFERENCE, BACKSPACE, BLANK_ESCAPE, BLANK_IN_CLASS, BLANK_IN_TOKEN, BRACE, BRACED_BOUNDARY,
    BRACKET_IN_CLASS, BRANCH_RESET, CALLOUT, CARRIAGE_RETURN_FLAG, CLASS_OPERATOR, COMMENT, CONDITIONAL, CONTROL,
    Construct, ESCAPE, FLAG, FOREIGN_BLANK, LAST_LINE, LOOK_AROUND, NEWLINE, OCTAL, OCTAL_IN_BRACES, POSSESSIVE,
    QUOTED_NAME, RECURSION, VERB, VERTICAL_TAB,
};
use super::too_big;
use crate::error::Refusal;
use regex_syntax::ast::ClassAsciiKind;

/// The most classes such as `\w` in a pattern. Each takes at least 256 bytes compiled, so that more would exceed
/// [`crate::limits::PATTERN_BYTES`]; but it takes kilobytes while it is compiled, before its size is known.
const CLASSES: usize = 4096;

/// A pattern for the regex crate's parser.
pub(super) struct Scanned {
    /// The pattern without `\Q…\E`, and with `(?:` in place of the negated look-around
    pub text: String,
    pub negated: Option<Negated>,
}

/// The group in place of a negated look-around.
pub(super) struct Negated {
    /// Where the group begins in the text
    pub at: usize,
    pub is_behind: bool,
}

/// Scans a pattern; `extended` says whether option `x` is given.
pub(super) fn scan(source: &str, extended: bool) -> Result<Scanned, Refusal> {
    let scanned = Scanned { text: String::with_capacity(source.len()), negated: None };
    let mut scanner = Scanner { source, rest: source, scanned, extended: vec![extended], repeats: false, classes: 0 };
    while let Some(character) = scanner.peek() {
        scanner.token(character)?;
    }
    Ok(scanner.scanned)
}

struct Scanner<'s> {
    source: &'s str,
    rest: &'s str,
    scanned: Scanned,
    /// Whether blanks mean nothing: for the whole pattern, then for each group that is open
    extended: Vec<bool>,
    /// Whether the last token was a quantifier
    repeats: bool,
    classes: usize,
}

impl<'s> Scanner<'s> {
    fn token(&mut self, character: char) -> Result<(), Refusal> {
        if self.is_extended() && (character.is_whitespace() || character == '#') {
            return self.blank(character);
        }
        let repeated = std::mem::replace(&mut self.repeats, false);
        match character {
            '\\' => return self.escape(false),
            '[' => return self.class(),
            '(' => return self.group(),
            ')' if self.extended.len() > 1 => _ = self.extended.pop(),
            '+' if repeated => return Err(self.refuse(&POSSESSIVE, 1)),
            '*' | '+' | '?' => self.repeats = true,
            '{' => {
                let length = count(self.rest).ok_or_else(|| self.refuse(&BRACE, 1))?;
                self.repeats = true;
                self.copy(length - 1);
            }
            _ => {}
        }
        self.copy(character.len_utf8());
        Ok(())
    }

    /// Reads a blank or a comment, which mean nothing here.
    fn blank(&mut self, character: char) -> Result<(), Refusal> {
        if character == '#' {
            self.copy(self.rest.find('\n').unwrap_or(self.rest.len()));
            return Ok(());
        }
        if !character.is_ascii() {
            return Err(self.refuse(&FOREIGN_BLANK, character.len_utf8()));
        }
        self.copy(1);
        Ok(())
    }

    fn escape(&mut self, in_class: bool) -> Result<(), Refusal> {
        let Some(letter) = self.rest[1..].chars().next() else {
            self.copy(1);
            return Ok(());
        };
        let length = 1 + letter.len_utf8();
        let follows = self.rest[length..].chars().next();
        let construct = match letter {
            'Q' => {
                self.quote();
                return Ok(());
            }
            '0'..='9' => return Err(self.number(in_class)),
            'b' if in_class => &BACKSPACE,
            'b' if follows == Some('{') => &BRACED_BOUNDARY,
            'p' | 'P' | 'x' | 'u' | 'U' => {
                if follows.is_some_and(|follows| follows == '#' || follows.is_whitespace()) {
                    return Err(self.refuse(&BLANK_IN_TOKEN, length));
                }
                self.count_class(matches!(letter, 'p' | 'P'))?;
                self.copy(length);
                if follows == Some('{') {
                    self.copy_until('}');
                }
                return Ok(());
            }
            'k' | 'g' => &BACK_REFERENCE,
            '<' | '>' => &ANGLE,
            'v' | 'V' => &VERTICAL_TAB,
            'h' | 'H' => &BLANK_ESCAPE,
            'Z' => &LAST_LINE,
            'R' | 'N' => &NEWLINE,
            'e' | 'c' => &CONTROL,
            'o' => &OCTAL_IN_BRACES,
            _ if "dDsSwW".contains(letter) => {
                self.count_class(true)?;
                self.copy(length);
                return Ok(());
            }
            _ if letter.is_ascii() && !letter.is_ascii_alphanumeric() || "aAbBfnrtz".contains(letter) => {
                self.copy(length);
                return Ok(());
            }
            _ => &ESCAPE,
        };
        Err(self.refuse(construct, length))
    }

    /// Refuses a backslash with a number. Outside a class, `\1` to `\9` are back-references, and so are larger numbers
    /// if there are as many groups; the others are octal.
    fn number(&self, in_class: bool) -> Refusal {
        let digits = self.rest[1..].find(|digit: char| !digit.is_ascii_digit()).unwrap_or(self.rest.len() - 1);
        let number = &self.rest[1..=digits];
        let groups = || self.source.matches('(').count();
        let is_reference = !in_class
            && !number.starts_with('0')
            && (number.len() == 1 || number.parse().is_ok_and(|number: usize| number <= groups()));
        self.refuse(if is_reference { &BACK_REFERENCE } else { &OCTAL }, 1 + digits)
    }

    /// Reads text up to `\E`, or up to the end; each character of it stands for itself.
    fn quote(&mut self) {
        let quoted = &self.rest[2..];
        let (text, rest) = quoted.split_once(r"\E").unwrap_or((quoted, ""));
        for character in text.chars() {
            match character {
                // With option x, a backslash escapes only some blanks.
                _ if character.is_whitespace() => {
                    self.scanned.text.push_str(&format!("\\x{{{:x}}}", u32::from(character)));
                }
                _ => regex_syntax::escape_into(character.encode_utf8(&mut [0; 4]), &mut self.scanned.text),
            }
        }
        self.rest = rest;
    }

    fn class(&mut self) -> Result<(), Refusal> {
        self.copy(1);
        if self.peek() == Some('^') {
            self.copy(1);
        }
        // A bracket in the first place is a character of the class.
        if self.peek() == Some(']') {
            self.copy(1);
        }
        while let Some(character) = self.peek() {
            let length = character.len_utf8();
            match character {
                '\\' => {
                    self.escape(true)?;
                    continue;
                }
                '[' => {
                    let length = named_class(self.rest).ok_or_else(|| self.refuse(&BRACKET_IN_CLASS, 1))?;
                    self.copy(length);
                    continue;
                }
                '&' | '-' | '~' if self.rest[1..].starts_with(character) => {
                    return Err(self.refuse(&CLASS_OPERATOR, 2));
                }
                _ if self.is_extended() && (character.is_whitespace() || character == '#') => {
                    return Err(self.refuse(&BLANK_IN_CLASS, length));
                }
                _ => self.copy(length),
            }
            if character == ']' {
                break;
            }
        }
        Ok(())
    }

    fn group(&mut self) -> Result<(), Refusal> {
        let inside = &self.rest[1..];
        if inside.starts_with('*') {
            return Err(self.refuse(&VERB, 2));
        }
        if self.is_extended() && after_blanks(inside).starts_with('?') && !inside.starts_with('?') {
            return Err(self.refuse(&BLANK_IN_TOKEN, 2));
        }
        let Some(kind) = inside.strip_prefix('?') else {
            return self.open(1, self.is_extended());
        };
        let is_number = |text: &str| text.starts_with(|digit: char| digit.is_ascii_digit());
        let construct = match kind {
            _ if kind.starts_with('!') || kind.starts_with("<!") => return self.negated(kind.starts_with('<')),
            _ if kind.starts_with('=') || kind.starts_with("<=") => &LOOK_AROUND,
            _ if kind.starts_with("P<") || kind.starts_with('<') => {
                self.extended.push(self.is_extended());
                self.copy_until('>');
                return Ok(());
            }
            _ if kind.starts_with('>') => &ATOMIC,
            _ if kind.starts_with('#') => &COMMENT,
            _ if kind.starts_with('|') => &BRANCH_RESET,
            _ if kind.starts_with('(') => &CONDITIONAL,
            _ if kind.starts_with('\'') => &QUOTED_NAME,
            _ if kind.starts_with('C') => &CALLOUT,
            _ if kind.starts_with("P=") => &BACK_REFERENCE,
            _ if kind.starts_with('&') || kind.starts_with("P>") => &RECURSION,
            _ if is_number(kind.trim_start_matches(['+', '-'])) => &RECURSION,
            _ => return self.flags(kind),
        };
        Err(self.refuse(construct, if kind.starts_with(['<', 'P']) { 4 } else { 3 }))
    }

    fn flags(&mut self, kind: &str) -> Result<(), Refusal> {
        let Some(length) = kind.find([':', ')']) else {
            self.copy(self.rest.len());
            return Ok(());
        };
        let (mut is_on, mut extended) = (true, self.is_extended());
        for flag in kind[..length].chars() {
            match flag {
                '-' => is_on = false,
                'x' => extended = is_on,
                'i' | 'm' | 's' | 'u' | 'U' => {}
                'R' => return Err(self.refuse(&CARRIAGE_RETURN_FLAG, length + 3)),
                _ => return Err(self.refuse(&FLAG, length + 3)),
            }
        }
        if kind[length..].starts_with(':') {
            return self.open(length + 3, extended);
        }
        if let Some(here) = self.extended.last_mut() {
            *here = extended;
        }
        self.copy(length + 3);
        Ok(())
    }

    fn negated(&mut self, is_behind: bool) -> Result<(), Refusal> {
        let length = if is_behind { 4 } else { 3 };
        if self.scanned.negated.is_some() {
            return Err(self.refuse(&LOOK_AROUND, length));
        }
        self.scanned.negated = Some(Negated { at: self.scanned.text.len(), is_behind });
        self.scanned.text.push_str("(?:");
        self.rest = &self.rest[length..];
        self.extended.push(self.is_extended());
        Ok(())
    }

    fn open(&mut self, length: usize, extended: bool) -> Result<(), Refusal> {
        self.extended.push(extended);
        self.copy(length);
        Ok(())
    }

    fn count_class(&mut self, is_class: bool) -> Result<(), Refusal> {
        self.classes += usize::from(is_class);
        if self.classes > CLASSES { Err(too_big()) } else { Ok(()) }
    }

    fn is_extended(&self) -> bool {
        self.extended.last().is_some_and(|extended| *extended)
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn copy(&mut self, bytes: usize) {
        let (copied, rest) = self.rest.split_at(bytes);
        self.scanned.text.push_str(copied);
        self.rest = rest;
    }

    /// Copies the text up to a character, including it, or up to the end.
    fn copy_until(&mut self, last: char) {
        self.copy(self.rest.find(last).map_or(self.rest.len(), |at| at + last.len_utf8()));
    }

    /// Refuses the construct that begins here and has this many bytes.
    fn refuse(&self, construct: &Construct, bytes: usize) -> Refusal {
        construct.refuse(&self.rest[..bytes.min(self.rest.len())])
    }
}

/// The length of `{2}`, `{2,}` or `{2,5}` at the beginning of the text.
fn count(text: &str) -> Option<usize> {
    let length = text.find('}')?;
    let (least, most) = text[1..length].split_once(',').unwrap_or((&text[1..length], ""));
    let is_number = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
    (!least.is_empty() && is_number(least) && is_number(most)).then_some(length + 1)
}

/// The length of `[:name:]` or `[:^name:]` at the beginning of the text.
fn named_class(text: &str) -> Option<usize> {
    let inside = text.strip_prefix("[:")?;
    let length = inside.find(":]")?;
    let name = &inside[..length];
    ClassAsciiKind::from_name(name.strip_prefix('^').unwrap_or(name)).map(|_| length + 4)
}

/// The text without blanks and comments at its beginning.
fn after_blanks(text: &str) -> &str {
    let mut text = text.trim_start();
    while text.starts_with('#') {
        text = text.find('\n').map_or("", |end| text[end..].trim_start());
    }
    text
}
