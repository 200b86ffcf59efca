//! Which operator a query would use to compare two columns.

use crate::pg::relcache;
use pgrx::pg_sys::{self, AsPgCStr, Oid};

/// A column's type, and what it is compared by.
#[derive(Clone, Copy)]
pub struct Compared {
    /// Of a domain, what it is over
    type_id: Oid,
    is_domain: bool,
    collation: Oid,
}

impl Compared {
    /// `None` where the relation has no such column.
    pub fn find(relation: Oid, column: &str) -> Option<Self> {
        let number = relcache::column_number(relation, column)?;
        let (mut type_id, mut modifier, mut collation) = (Oid::INVALID, 0, Oid::INVALID);
        // SAFETY: the column exists; the first fills in all three.
        unsafe {
            pg_sys::get_atttypetypmodcoll(relation, number, &raw mut type_id, &raw mut modifier, &raw mut collation);
            let base = pg_sys::getBaseType(type_id);
            Some(Compared { type_id: base, is_domain: base != type_id, collation })
        }
    }

    /// Whether the operator `=` of a schema, put between a column of the other sort and one of this, tells values of this
    /// apart as a unique index on it does, in every session.
    pub fn is_identified_by(self, other: Compared, schema: &str) -> bool {
        let Some(equality) = equality(schema, other.type_id, self.type_id) else { return false };
        // Of all that operators take, `anyenum` alone is no domain over it.
        if equality.right == pg_sys::ANYENUMOID && (self.is_domain || other.is_domain) {
            return false;
        }
        // SAFETY: a catalog look-up for an operator that exists.
        let is_immutable = unsafe {
            pg_sys::func_volatile(pg_sys::get_opcode(equality.operator)) as u8 == pg_sys::PROVOLATILE_IMMUTABLE
        };
        is_immutable && self.is_keyed_by(equality) && self.has_collation_of(other)
    }

    fn is_keyed_by(self, equality: Equality) -> bool {
        // SAFETY: catalog look-ups, which take any OIDs; a type without a default operator class gets 0.
        let is_of_key = unsafe {
            let class = pg_sys::GetDefaultOpClass(self.type_id, pg_sys::BTREE_AM_OID);
            class != Oid::INVALID
                && pg_sys::get_op_opfamily_strategy(equality.operator, pg_sys::get_opclass_family(class))
                    == pg_sys::BTEqualStrategyNumber as i32
        };
        // What these become to be compared, one becomes alone.
        let is_exact = match self.type_id {
            pg_sys::INT2OID | pg_sys::INT4OID | pg_sys::INT8OID => equality.right == pg_sys::NUMERICOID,
            pg_sys::BPCHAROID => equality.right == pg_sys::TEXTOID,
            _ => false,
        };
        is_of_key || is_exact
    }

    /// Between columns of two collations Postgres compares by the one that is not the default, or not at all; and where
    /// one of these takes different texts for the same, what a join finds depends on its plan.
    fn has_collation_of(self, other: Compared) -> bool {
        let default = [Oid::INVALID, pg_sys::DEFAULT_COLLATION_OID];
        let is_exact =
            // SAFETY: a catalog look-up for a collation that exists.
            |collation: Oid| collation == Oid::INVALID || unsafe { pg_sys::get_collation_isdeterministic(collation) };
        self.collation == other.collation
            || (default.contains(&self.collation) || default.contains(&other.collation))
                && is_exact(self.collation)
                && is_exact(other.collation)
    }
}

#[derive(Clone, Copy)]
struct Equality {
    operator: Oid,
    /// What it takes on its right
    right: Oid,
}

/// The operator `=` of a schema that a query gets for values of two types; `None` where there is none, or several.
fn equality(schema: &str, left: Oid, right: Oid) -> Option<Equality> {
    // SAFETY: both names are NUL-terminated; with noError `oper` only answers, with a tuple of the syscache, which is
    // released once its OID is known.
    unsafe {
        let name = [schema, "="].into_iter().fold(std::ptr::null_mut(), |name, part| {
            pg_sys::lappend(name, pg_sys::makeString(part.as_pg_cstr()).cast())
        });
        let tuple = pg_sys::oper(std::ptr::null_mut(), name, left, right, true, -1);
        if tuple.is_null() {
            return None;
        }
        let operator = pg_sys::oprid(tuple);
        pg_sys::ReleaseSysCache(tuple);
        let (mut takes_left, mut takes_right) = (Oid::INVALID, Oid::INVALID);
        pg_sys::op_input_types(operator, &raw mut takes_left, &raw mut takes_right);
        // One for all enums takes two of the same.
        let is_for_both = takes_right != pg_sys::ANYENUMOID || left == right;
        is_for_both.then_some(Equality { operator, right: takes_right })
    }
}
