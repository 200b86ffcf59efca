//! Reads a pattern as a regular expression that a text has to match, one that it must not match, or both.

use super::construct::{CLASS_AS_BOUND, LOOK_AROUND};
use super::scan::{Negated, Scanned, scan};
use super::{has_option, too_big};
use crate::error::{ErrorKind, Refusal};
use crate::limits::PATTERN_BYTES;
use regex_syntax::ast::parse::ParserBuilder;
use regex_syntax::ast::{self, AssertionKind, Ast, Flag, GroupKind, RepetitionKind};
use regex_syntax::hir::Hir;
use regex_syntax::hir::translate::TranslatorBuilder;

/// A text matches if it matches `wanted` and does not match `unwanted`, as far as they are there.
pub(super) struct Reading {
    pub wanted: Option<Hir>,
    pub unwanted: Option<Hir>,
}

/// The longest pattern that is read. Each byte of a pattern takes more than 8 bytes compiled.
const LONGEST: usize = PATTERN_BYTES / 8;

/// Reads a pattern. `options` has only letters of `imsx`.
pub(super) fn read(source: &str, options: Option<&str>) -> Result<Reading, Refusal> {
    if source.len() > LONGEST {
        return Err(too_big());
    }
    let has = |letter| has_option(options, letter);
    let Scanned { text, negated } = scan(source, has('x'))?;
    let tree = ParserBuilder::new().ignore_whitespace(has('x')).build().parse(&text).map_err(|error| {
        let found = &text[error.span().start.offset..error.span().end.offset];
        match error.kind() {
            ast::ErrorKind::ClassRangeLiteral => CLASS_AS_BOUND.refuse(found),
            kind => invalid(&kind.to_string()),
        }
    })?;
    let mut translator = TranslatorBuilder::new()
        .case_insensitive(has('i'))
        .multi_line(has('m'))
        .dot_matches_new_line(has('s'))
        .utf8(false)
        .build();
    let mut translate =
        |tree: &Ast| translator.translate(&text, tree).map_err(|error| invalid(&error.kind().to_string()));
    let Some(negated) = negated else {
        return Ok(Reading { wanted: Some(translate(&tree)?), unwanted: None });
    };
    let Complement { unwanted, wanted, is_anywhere } = complement(&tree, &negated, has('m'))?;
    let unwanted = translate(&unwanted)?;
    if is_anywhere && unwanted.properties().minimum_len() == Some(0) {
        return Err(Refusal::new(
            ErrorKind::BadPattern,
            "invalid pattern: X matches the empty string in ^((?!X).)*$",
            "Such a pattern matches nothing but the empty string: let X match at least one character.",
        ));
    }
    Ok(Reading { wanted: wanted.as_ref().map(translate).transpose()?, unwanted: Some(unwanted) })
}

struct Complement {
    unwanted: Ast,
    wanted: Option<Ast>,
    /// Whether `unwanted` may match at no place of the text
    is_anywhere: bool,
}

/// Takes `^(?!X)`, `^(?!X)Y`, `(?<!X)$` or `^((?!X).)*$` apart. Flags before it apply to both parts.
fn complement(tree: &Ast, negated: &Negated, multi_line: bool) -> Result<Complement, Refusal> {
    let other = || LOOK_AROUND.refuse(if negated.is_behind { "(?<!" } else { "(?!" });
    let Ast::Concat(concat) = tree else { return Err(other()) };
    let (flags, parts) =
        concat.asts.split_at(concat.asts.iter().take_while(|part| matches!(part, Ast::Flags(_))).count());
    let is_negated = |part: &Ast| matches!(part, Ast::Group(group) if group.span.start.offset == negated.at);
    let together = |parts: &[&Ast]| {
        let asts = flags.iter().chain(parts.iter().copied()).cloned().collect();
        Ast::concat(ast::Concat { span: concat.span, asts })
    };
    let complement = match parts {
        [start, group, rest @ ..] if !negated.is_behind && is_start(start) && is_negated(group) => {
            let wanted: Vec<&Ast> = std::iter::once(start).chain(rest).collect();
            Complement {
                unwanted: together(&[start, group]),
                wanted: (!rest.is_empty()).then(|| together(&wanted)),
                is_anywhere: false,
            }
        }
        [group, end] if negated.is_behind && is_end(end) && is_negated(group) => {
            Complement { unwanted: together(&[group, end]), wanted: None, is_anywhere: false }
        }
        [start, Ast::Repetition(repetition), end] if !negated.is_behind && is_start(start) && is_end(end) => {
            let (group, dot) = guarded_dot(repetition).filter(|(group, _)| is_negated(group)).ok_or_else(other)?;
            let mut dots = repetition.clone();
            dots.ast = Box::new(dot.clone());
            Complement {
                unwanted: together(&[group]),
                wanted: Some(together(&[start, &Ast::Repetition(dots), end])),
                is_anywhere: true,
            }
        }
        _ => return Err(other()),
    };
    let state = |part: &Ast| match part {
        Ast::Flags(set) => set.flags.flag_state(Flag::MultiLine),
        _ => None,
    };
    if flags.iter().filter_map(state).next_back().unwrap_or(multi_line) {
        return Err(Refusal::new(
            ErrorKind::BadPattern,
            "invalid pattern: (?! and (?<! are not supported with option m",
            "Leave option m out, or put a simpler pattern inside $not, which holds for missing values too.",
        ));
    }
    Ok(complement)
}

/// The two parts of `(AB)*`, if B is a dot, and the group has neither flags nor a name.
fn guarded_dot(repetition: &ast::Repetition) -> Option<(&Ast, &Ast)> {
    let Ast::Group(group) = &*repetition.ast else { return None };
    let is_plain = match &group.kind {
        GroupKind::CaptureIndex(_) => true,
        GroupKind::NonCapturing(flags) => flags.items.is_empty(),
        GroupKind::CaptureName { .. } => false,
    };
    let Ast::Concat(inside) = &*group.ast else { return None };
    match &inside.asts[..] {
        [guard, dot @ Ast::Dot(_)] if is_plain && repetition.op.kind == RepetitionKind::ZeroOrMore => {
            Some((guard, dot))
        }
        _ => None,
    }
}

fn is_start(part: &Ast) -> bool {
    matches!(part, Ast::Assertion(assertion) if assertion.kind == AssertionKind::StartLine)
}

fn is_end(part: &Ast) -> bool {
    matches!(part, Ast::Assertion(assertion) if assertion.kind == AssertionKind::EndLine)
}

fn invalid(reason: &str) -> Refusal {
    Refusal::new(
        ErrorKind::BadPattern,
        format!("invalid pattern: {reason}"),
        "Patterns use the syntax of the Rust regex crate; $contains, $startsWith and $endsWith match literal text.",
    )
}
