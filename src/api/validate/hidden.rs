//! Notices about columns and keys of contacts that are hidden by a relation of their name, since they came after it.

use crate::api::sample::Sample;
use crate::api::validate::asked::{UsedField, asked};
use crate::catalog::audience::Audience;
use segments_core::ast::Condition;
use segments_core::notices::Notice;

/// Notices about what the relations hide that a condition reads. A sample of the contacts, which is read with the
/// caller's rights, says which keys there are.
pub fn notices(audience: &Audience, condition: &Condition) -> Vec<Notice> {
    let mut used: Vec<UsedField> = asked(condition);
    let mut seen = Vec::new();
    used.retain(|field| {
        let name = field.path.first().to_owned();
        let is_new = audience.related(&name).is_some() && !seen.contains(&name);
        seen.extend(is_new.then_some(name));
        is_new
    });
    used.iter().filter_map(|field| notice(audience, field)).collect()
}

fn notice(audience: &Audience, field: &UsedField) -> Option<Notice> {
    let name = field.path.first();
    let is_column = audience.table.column(name).is_some() || audience.unusable.iter().any(|(column, _)| column == name);
    let what = if is_column { "column" } else { "property" };
    if !is_column {
        let path = [field.path.prefix(1)];
        audience.table.properties.as_ref()?;
        Sample::read(audience, &[], &path).filter(|sample| sample.present(&path[0]) > 0)?;
    }
    Some(Notice {
        pointer: field.pointer.clone(),
        message: format!("relation \"{name}\" hides the {what} \"{name}\" of contacts"),
        hint: format!("Rename the {what}, or attach the relation under another name, to be able to ask for both."),
        includes: None,
    })
}
