//! Constructs of other regex engines that the `regex` crate lacks or reads in another way. A pattern with one of them
//! is refused with its name and with what to write instead.

use crate::error::{ErrorKind, Refusal};

/// A construct that patterns may not have.
#[derive(Debug, PartialEq, Eq)]
pub struct Construct {
    /// Patterns with the construct, as examples
    pub examples: &'static [&'static str],
    /// Its name, in the plural, in Markdown
    pub name: &'static str,
    /// What to write instead, as a sentence, in Markdown
    pub instead: &'static str,
}

/// All constructs, in the order of the documentation.
pub const CONSTRUCTS: &[&Construct] = &[
    &LOOK_AROUND,
    &BACK_REFERENCE,
    &OCTAL,
    &ATOMIC,
    &POSSESSIVE,
    &CONDITIONAL,
    &BRANCH_RESET,
    &RECURSION,
    &CALLOUT,
    &COMMENT,
    &QUOTED_NAME,
    &VERB,
    &CARRIAGE_RETURN_FLAG,
    &FLAG,
    &BRACE,
    &ANGLE,
    &BRACED_BOUNDARY,
    &VERTICAL_TAB,
    &BLANK_ESCAPE,
    &LAST_LINE,
    &NEWLINE,
    &CONTROL,
    &OCTAL_IN_BRACES,
    &ESCAPE,
    &BRACKET_IN_CLASS,
    &CLASS_OPERATOR,
    &CLASS_AS_BOUND,
    &BACKSPACE,
    &BLANK_IN_CLASS,
    &BLANK_IN_TOKEN,
    &FOREIGN_BLANK,
];

pub(super) const LOOK_AROUND: Construct = Construct {
    examples: &["(?=a)b", "a(?!b)", "(?<=a)b", "(?<!a)b"],
    name: "look-ahead and look-behind, but for four shapes that say \"not\",",
    instead: "Of these only `^(?!X)`, `^(?!X)Y`, `(?<!X)$` and `^((?!X).)*$` are read. For \"does not contain\" write `{\"$not\": {\"$contains\": …}}`; otherwise combine simpler patterns with `$and` and `$not`.",
};
pub(super) const BACK_REFERENCE: Construct = Construct {
    examples: &[r"(a)\1", r"(?<n>a)\k<n>", r"(a)\g{1}", "(?P<n>a)(?P=n)"],
    name: "back-references",
    instead: "List the alternatives.",
};
pub(super) const OCTAL: Construct = Construct {
    examples: &[r"\101", r"\0", r"[\1]"],
    name: "octal escapes",
    instead: r"Write the character's number in hexadecimal, such as `\x41`.",
};
pub(super) const ATOMIC: Construct = Construct {
    examples: &["(?>a+)b"],
    name: "atomic groups",
    instead: "Write `(?:…)`: patterns take linear time without atomic groups.",
};
pub(super) const POSSESSIVE: Construct = Construct {
    examples: &["a++", "a*+", "a?+", "a{2}+"],
    name: "possessive quantifiers",
    instead: "Leave the last `+` out: patterns take linear time without it. To repeat a repetition write `(?:a+)+`.",
};
pub(super) const CONDITIONAL: Construct =
    Construct { examples: &["(a)?(?(1)b|c)"], name: "conditional groups", instead: "List the alternatives." };
pub(super) const BRANCH_RESET: Construct =
    Construct { examples: &["(?|a|b)"], name: "branch reset groups", instead: "Write `(?:…)`." };
pub(super) const RECURSION: Construct = Construct {
    examples: &["a(?1)", "(?-1)", "(?&n)", "(?P>n)"],
    name: "recursion and calls of groups",
    instead: "Write the group's pattern again.",
};
pub(super) const CALLOUT: Construct = Construct { examples: &["a(?C1)"], name: "callouts", instead: "Leave it out." };
pub(super) const COMMENT: Construct = Construct {
    examples: &["a(?#b)"],
    name: "comments in groups",
    instead: "With option `x`, a comment goes from `#` to the end of the line.",
};
pub(super) const QUOTED_NAME: Construct =
    Construct { examples: &["(?'n'a)"], name: "names of groups in quotes", instead: "Write `(?<name>…)`." };
pub(super) const VERB: Construct =
    Construct { examples: &["(*UTF)a"], name: "verbs", instead: r"Leave it out; for a literal asterisk write `\*`." };
pub(super) const CARRIAGE_RETURN_FLAG: Construct = Construct {
    examples: &["(?R)a", "(?mR:^a$)"],
    name: "recursion and the flag `R`",
    instead: r"For lines that end in a carriage return and a newline use option `m` and `\r?$`.",
};
pub(super) const FLAG: Construct = Construct {
    examples: &["(?J)a", "(?n:a)", "(?^)a"],
    name: "flags other than `i m s x u U`",
    instead: "Leave it out, or write a literal parenthesis as `\\(`.",
};
pub(super) const BRACE: Construct = Construct {
    examples: &["a{", "{a}", "a{,5}", "a{ 2 }"],
    name: "literal braces without a backslash",
    instead: r"Write `\{` for the character. A count is `{2}`, `{2,}` or `{2,5}`, without blanks.",
};
pub(super) const ANGLE: Construct = Construct {
    examples: &[r"a\<b", r"a\>b"],
    name: r"the escapes `\<` and `\>`",
    instead: r"Write `<` or `>` for the character, and `\b` for the boundary of a word.",
};
pub(super) const BRACED_BOUNDARY: Construct = Construct {
    examples: &[r"\b{start}a", r"\b{2}"],
    name: "word boundaries with a brace",
    instead: r"Write `\b` for the boundary, and `\{` for the character.",
};
pub(super) const VERTICAL_TAB: Construct = Construct {
    examples: &[r"\v", r"[\v]", r"\V"],
    name: r"the escapes `\v` and `\V`",
    instead: r"Write `\x0b` for the vertical tab, `[\n\r]` for the ends of lines, `[^\n\r]` for anything else.",
};
pub(super) const BLANK_ESCAPE: Construct = Construct {
    examples: &[r"\h", r"\H"],
    name: r"the escapes `\h` and `\H`",
    instead: r"Write `[ \t]` for a blank and `[^ \t]` for anything else.",
};
pub(super) const LAST_LINE: Construct = Construct {
    examples: &[r"a\Z"],
    name: r"escapes like `\Z`",
    instead: r"Write `\z` or `$` for the very end, and `\n?$` where a newline may precede it.",
};
pub(super) const NEWLINE: Construct = Construct {
    examples: &[r"\R", r"\N"],
    name: r"the escapes `\R` and `\N`",
    instead: r"Write `(?:\r\n|\n|\r)` for the end of a line and `[^\n]` for anything else.",
};
pub(super) const CONTROL: Construct = Construct {
    examples: &[r"\e", r"\cA"],
    name: r"the escapes `\e` and `\c`",
    instead: r"Write the character's number in hexadecimal, such as `\x1b`.",
};
pub(super) const OCTAL_IN_BRACES: Construct = Construct {
    examples: &[r"\o{101}"],
    name: r"escapes like `\o`",
    instead: r"Write the character's number in hexadecimal, such as `\x41`.",
};
pub(super) const ESCAPE: Construct = Construct {
    examples: &[r"\K", r"\G", r"\X", r"\C", r"\E", r"\y", r"\é"],
    name: "escapes of other letters",
    instead: r"Leave the backslash out for the character itself; `\\` is a backslash.",
};
pub(super) const BRACKET_IN_CLASS: Construct = Construct {
    examples: &["[[]", "[a[b]]", "[[.a.]]", "[[:a:]]"],
    name: "brackets inside a class, except those of classes such as `[:alpha:]`,",
    instead: r"Write `\[` for the character.",
};
pub(super) const CLASS_OPERATOR: Construct = Construct {
    examples: &["[a&&b]", "[+--]", "[a~~b]"],
    name: "the operators `&&`, `--` and `~~` of classes",
    instead: r"Write the character once, or after a backslash, such as `\-`.",
};
pub(super) const CLASS_AS_BOUND: Construct = Construct {
    examples: &[r"[\w-.]"],
    name: "ranges that begin or end with a class",
    instead: r"Write `\-` for the hyphen.",
};
pub(super) const BACKSPACE: Construct =
    Construct { examples: &[r"[\b]"], name: r"escapes like `\b` inside a class", instead: r"Write `\x08`." };
pub(super) const BLANK_IN_CLASS: Construct = Construct {
    examples: &["(?x)[a b]", "(?x)[#]"],
    name: "blanks and `#` inside a class, with option `x`,",
    instead: "Put a backslash before each, or leave option `x` out.",
};
pub(super) const BLANK_IN_TOKEN: Construct = Construct {
    examples: &["(?x)( ?:a)", r"(?x)\x 41", r"(?x)\p L"],
    name: "blanks inside an escape or the beginning of a group, with option `x`,",
    instead: "Leave the blank out.",
};
pub(super) const FOREIGN_BLANK: Construct = Construct {
    examples: &["(?x)a\u{a0}b"],
    name: "blanks that are not ASCII, with option `x`,",
    instead: r"Write the character's number in hexadecimal, such as `\x{a0}`.",
};

impl Construct {
    /// Refuses a pattern that has the construct; `found` is its text there.
    #[must_use]
    pub fn refuse(&self, found: &str) -> Refusal {
        let message = format!("invalid pattern: {} are not supported: ", plain(self.name)) + found;
        Refusal::new(ErrorKind::BadPattern, message, plain(self.instead))
    }
}

fn plain(markdown: &str) -> String {
    markdown.replace('`', "")
}

/// The table of constructs in the documentation.
#[must_use]
pub fn markdown_table() -> String {
    let mut table =
        String::from("| refused, for example | because these are not supported | instead |\n|---|---|---|\n");
    for Construct { examples, name, instead } in CONSTRUCTS {
        let examples: Vec<String> = examples.iter().map(|example| format!("`{example}`")).collect();
        let row = [examples.join(" ").as_str(), name.trim_end_matches(','), instead].map(in_cell);
        table.push_str(&format!("| {} |\n", row.join(" | ")));
    }
    table
}

/// Escapes text for a cell of a Markdown table: a bar needs a backslash, even in code. Blanks that are not ASCII are
/// shown by number.
fn in_cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\u{a0}', "U+00A0")
}
