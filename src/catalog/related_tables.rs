//! The tables other than that of contacts whose rows conditions read: that of subscriptions, and those of relations. Queries
//! of our own tables find them here.

use crate::catalog::audience::Related;

/// A query with a `WITH other(source, relation)`, which has these tables, each with the audience that declares it. The library may
/// be newer than the extension, which has no table of relations then.
pub struct WithOthers {
    pub with_relations: &'static str,
    pub with_topics_alone: &'static str,
}

impl WithOthers {
    /// The text for the extension as it is.
    pub fn text(&self) -> &'static str {
        if Related::are_known() { self.with_relations } else { self.with_topics_alone }
    }
}

/// A [`WithOthers`] from the literals of what follows in the text: other queries in WITH, each after a comma, and the query.
macro_rules! with_others {
    ($($text:expr),+ $(,)?) => {
        $crate::catalog::related_tables::WithOthers {
            with_relations: concat!(
                "WITH RECURSIVE other(source, relation, name) AS (
                    SELECT t.audience, t.topics_relation::oid, '$topic'
                      FROM segments.table_config t WHERE t.topics_relation IS NOT NULL
                     UNION ALL
                    SELECT r.audience, r.relation::oid, r.name FROM segments.relation_config r) ",
                $($text),+
            ),
            with_topics_alone: concat!(
                "WITH RECURSIVE other(source, relation, name) AS (
                    SELECT t.audience, t.topics_relation::oid, '$topic'
                      FROM segments.table_config t WHERE t.topics_relation IS NOT NULL) ",
                $($text),+
            ),
        }
    };
}

pub(crate) use with_others;
