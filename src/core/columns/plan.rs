//! Whether and how the columns answer a condition.

use super::column::Source;
use super::leaf::Leaf;
use super::pair::Pair;
use crate::expr::{Atom, Checked, DocumentTest, Expr, PairTest};
use crate::sql::ContactTable;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt;

/// How a condition is answered.
#[derive(Debug)]
pub enum Way {
    /// By the columns alone
    Columns(Plan),
    /// By the columns, and the rest of the condition for the rows that they leave: all of the condition is true where both
    /// are
    Narrowed {
        /// What the columns answer
        plan: Plan,
        /// What has to be put to the rows that are left
        rest: Box<Checked>,
        /// Why the columns do not answer the rest
        obstacles: Vec<Obstacle>,
    },
    /// Not by the columns
    Heap(Vec<Obstacle>),
}

/// Why columns do not answer a part of a condition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Obstacle {
    /// It reads a column that the index does not have
    NotIndexed(String),
    /// It asks for subscriptions to topics
    Topics,
    /// It asks in which bucket a contact is
    Buckets,
    /// It reads rows of this relation
    Relation(String),
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Obstacle::NotIndexed(column) => write!(f, "the index does not have the column {column}"),
            Obstacle::Topics => f.write_str("subscriptions to topics are not in the index"),
            Obstacle::Buckets => f.write_str("buckets of contacts are not in the index"),
            Obstacle::Relation(name) => write!(f, "rows of the relation {name} are not in the index"),
        }
    }
}

/// A condition that columns answer.
#[derive(Debug)]
pub struct Plan {
    pub(super) root: Box<Node>,
}

/// A part of a plan. Negations are inside of leaves and pairs.
#[derive(Debug)]
pub(super) enum Node {
    Const(bool),
    All(Vec<Node>),
    Any(Vec<Node>),
    Leaf(Leaf),
    Pair(Pair),
}

impl Way {
    /// How an index on these columns of the table answers a condition that is adapted to the table's rows
    /// ([`crate::row_conditions::on_row`]).
    #[must_use]
    pub fn of(condition: &Checked, table: &ContactTable, indexed: &[String]) -> Self {
        let planner = Planner { table, indexed, leaves: Cell::new(0) };
        let mut obstacles = BTreeSet::new();
        let (mut answered, mut rest) = (Vec::new(), Vec::new());
        for part in conjuncts(condition) {
            let own = planner.obstacles(&part);
            if own.is_empty() {
                answered.push(part)
            } else {
                rest.push(part)
            }
            obstacles.extend(own);
        }
        let obstacles: Vec<Obstacle> = obstacles.into_iter().collect();
        match (answered.is_empty(), rest.is_empty()) {
            (true, false) => Way::Heap(obstacles),
            (_, true) => Way::Columns(planner.plan(&Expr::and(answered))),
            (false, false) => {
                Way::Narrowed { plan: planner.plan(&Expr::and(answered)), rest: Box::new(Expr::and(rest)), obstacles }
            }
        }
    }
}

/// The parts of which all must hold.
fn conjuncts(condition: &Checked) -> Vec<Checked> {
    match condition {
        Expr::And(parts) => parts.clone(),
        Expr::Not(part) => match &**part {
            Expr::Or(parts) => parts.iter().cloned().map(Expr::not).collect(),
            _ => vec![condition.clone()],
        },
        _ => vec![condition.clone()],
    }
}

struct Planner<'a> {
    table: &'a ContactTable,
    indexed: &'a [String],
    /// The number of leaves that there are
    leaves: Cell<u32>,
}

impl Planner<'_> {
    fn obstacles(&self, condition: &Checked) -> BTreeSet<Obstacle> {
        let mut obstacles = BTreeSet::new();
        condition.for_each(&mut |atom| match atom {
            Atom::Topic(_) => drop(obstacles.insert(Obstacle::Topics)),
            Atom::Bucket(_) => drop(obstacles.insert(Obstacle::Buckets)),
            Atom::Rows(rows) => drop(obstacles.insert(Obstacle::Relation(rows.relation.clone()))),
            Atom::Field(_) | Atom::Pair(_) => {
                obstacles
                    .extend(atom.paths().filter_map(|path| self.unindexed(path.first())).map(Obstacle::NotIndexed));
            }
        });
        obstacles
    }

    /// The column that has the values of a key, if the index does not have it.
    fn unindexed(&self, key: &str) -> Option<String> {
        let column = match (self.table.column(key), &self.table.properties) {
            (Some(column), _) => &column.name,
            (None, Some(properties)) => &properties.name,
            // No row has such a key.
            (None, None) => return None,
        };
        (!self.indexed.contains(column)).then(|| column.clone())
    }

    fn source(&self, key: &str) -> Source {
        match self.table.column(key) {
            Some(column) => Source::Native(column.name.clone()),
            None => Source::Key(key.to_owned()),
        }
    }

    fn plan(&self, condition: &Checked) -> Plan {
        // What is not in the index is not in it.
        let condition = condition.on_document().unwrap_or(Expr::Const(false));
        Plan { root: Box::new(self.node(&condition, true)) }
    }

    /// Compiles a condition or, if it is not `positive`, its complement.
    fn node(&self, condition: &Expr<DocumentTest>, positive: bool) -> Node {
        if let Some(key) = single_key(condition) {
            let tests = condition.clone().negate_unless(positive);
            let number = self.leaves.replace(self.leaves.get() + 1);
            return Node::Leaf(Leaf::compile(number, self.source(key), key, &tests));
        }
        match condition {
            Expr::Const(value) => Node::Const(*value == positive),
            Expr::Not(part) => self.node(part, !positive),
            Expr::Test(DocumentTest::Pair(pair)) => Node::Pair(self.pair(pair, positive)),
            // A field has one key.
            Expr::Test(DocumentTest::Field(_)) => Node::Const(false),
            Expr::And(parts) => self.group(parts, Expr::and, positive, if positive { Node::All } else { Node::Any }),
            Expr::Or(parts) => self.group(parts, Expr::or, positive, if positive { Node::Any } else { Node::All }),
        }
    }

    /// Compiles the parts of a combination; those that read the same column alone become one leaf.
    fn group(
        &self,
        parts: &[Expr<DocumentTest>],
        join: fn(Vec<Expr<DocumentTest>>) -> Expr<DocumentTest>,
        positive: bool,
        node: fn(Vec<Node>) -> Node,
    ) -> Node {
        let mut groups: Vec<(Option<&str>, Vec<Expr<DocumentTest>>)> = Vec::new();
        for part in parts {
            let key = single_key(part);
            match groups.iter_mut().find(|(other, _)| key.is_some() && *other == key) {
                Some((_, group)) => group.push(part.clone()),
                None => groups.push((key, vec![part.clone()])),
            }
        }
        node(groups.into_iter().map(|(_, group)| self.node(&join(group), positive)).collect())
    }

    fn pair(&self, pair: &PairTest, positive: bool) -> Pair {
        Pair::compile(pair, positive, |key| self.source(key))
    }
}

/// The key that a condition reads, if it reads exactly one.
fn single_key(condition: &Expr<DocumentTest>) -> Option<&str> {
    let mut keys = BTreeSet::new();
    condition.for_each(&mut |test| keys.extend(test.paths().map(|path| path.first())));
    if keys.len() == 1 { keys.pop_first() } else { None }
}
