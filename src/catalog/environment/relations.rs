//! Relations in conditions, and what the scope of a relation cannot ask for.

use super::{AudienceEnvironment, Part, again};
use crate::catalog::audience::{Audience, Related, RelatedRows};
use segments_core::check::RelationDeclaration;
use segments_core::error::{Error, ErrorKind, Refusal};
use segments_core::operator::Operator;
use segments_core::path::Path;
use segments_core::sql::NativeColumn;

impl<'a> AudienceEnvironment<'a> {
    /// The relation of that name.
    ///
    /// # Errors
    /// Its rows cannot be read any more, or the condition is the filter of the audience.
    pub(super) fn declared_relation(&self, name: &str) -> Result<Option<RelationDeclaration>, Refusal> {
        let Some(related) = self.audience.related(name) else { return Ok(None) };
        if self.part == Part::Filter {
            return Err(Refusal {
                kind: ErrorKind::Unsupported,
                message: format!("\"{name}\" is a relation, which the filter of an audience cannot read"),
                hint: "Say it in the conditions of segments.".to_owned(),
            });
        }
        match &related.rows {
            Ok(related) => {
                related.rows.changes_at.into_iter().for_each(|instant| self.changes_at(instant));
                let time = related.time.as_ref().and_then(|column| related.rows.table.column(column));
                let time = time.map(|column| (Path::from_keys(vec![column.name.clone()]), column.kind.property_type()));
                Ok(Some(RelationDeclaration { time, has_key: !related.key.is_empty() }))
            }
            Err(why) => Err(Refusal {
                kind: ErrorKind::UnknownObject,
                message: why.clone(),
                hint: "Tell which table has these rows with attach_relation(), which keeps the segments.".to_owned(),
            }),
        }
    }

    /// Adds to the mistakes about the rows of a relation that a column which they need is lost, if one is.
    pub(super) fn explain_lost_columns(&self, related: &Related, errors: &mut [Error]) {
        let Ok(RelatedRows { rows, time, .. }) = &related.rows else { return };
        const ORDERED: [Operator; 3] = [Operator::First, Operator::Last, Operator::Sequence];
        let is_ordered = |error: &Error| ORDERED.iter().any(|operator| error.pointer.ends_with(operator.name()));
        for error in errors.iter_mut() {
            let column = match error.kind {
                ErrorKind::UnknownProperty if rows.table.properties.is_none() => rows.lost.last(),
                ErrorKind::Shape if time.is_none() && is_ordered(error) => rows.lost.first(),
                _ => None,
            };
            let is_about_it = || error.pointer.split('/').any(|step| Path::parse(step).first() == related.name);
            if let Some(column) = column.filter(|_| is_about_it()) {
                error.hint = again(column, "attach_relation");
            }
        }
    }

    /// The column of the contacts' table, or of a relation's, that the path names.
    pub(super) fn column(&self, path: &Path) -> Option<&'a NativeColumn> {
        match self.inside_relation(path) {
            Some((rows, path)) => rows.table.column(path.first()).filter(|_| path.rest().is_empty()),
            None => self.audience.table.column(path.first()).filter(|_| path.rest().is_empty()),
        }
    }

    /// The rows of the relation that a path leads into, and the path inside a row.
    pub(super) fn inside_relation(&self, path: &Path) -> Option<(&'a Audience, Path)> {
        let rows = &self.audience.related(path.first())?.rows.as_ref().ok()?.rows;
        (!path.rest().is_empty()).then(|| (rows, Path::from_keys(path.rest().to_vec())))
    }

    /// The mistake of an operator that the scope of a relation has: it is about contacts, not about rows.
    pub(super) fn must_be_of_contacts(&self, operator: &str) -> Result<(), Refusal> {
        if self.part != Part::RowScope {
            return Ok(());
        }
        Err(Refusal {
            kind: ErrorKind::Unsupported,
            message: format!("{operator} is about contacts, and the scope of a relation is about its rows"),
            hint: "Use the columns of the relation's table, or say it in the conditions of segments.".to_owned(),
        })
    }
}
