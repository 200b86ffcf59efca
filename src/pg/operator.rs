//! The operator that a query uses to compare two columns.

use crate::pg::relcache;
use pgrx::pg_sys::{self, AsPgCStr, Oid};

/// A column as the operand of a comparison.
#[derive(Clone, Copy)]
pub struct ComparedColumn {
    /// For a domain, the type that it is over
    type_id: Oid,
    is_domain: bool,
    collation: Oid,
}

impl ComparedColumn {
    /// A column by its name; `None` if the relation has no such column.
    pub fn find(relation: Oid, column: &str) -> Option<Self> {
        let number = relcache::column_number(relation, column)?;
        let (mut type_id, mut modifier, mut collation) = (Oid::INVALID, 0, Oid::INVALID);
        // SAFETY: the column exists, and the first call fills in all three variables.
        unsafe {
            pg_sys::get_atttypetypmodcoll(relation, number, &raw mut type_id, &raw mut modifier, &raw mut collation);
            let base = pg_sys::getBaseType(type_id);
            Some(ComparedColumn { type_id: base, is_domain: base != type_id, collation })
        }
    }

    /// Whether `other = self`, with the operator `=` of that schema, distinguishes the same values of this column as a
    /// unique index on it does, in every session.
    pub fn is_identified_by(self, other: ComparedColumn, schema: &str) -> bool {
        let Some(equality) = equality(schema, other.type_id, self.type_id) else { return false };
        // Postgres does not resolve `anyenum` to the type under a domain, so the query would find no operator.
        if equality.right == pg_sys::ANYENUMOID && (self.is_domain || other.is_domain) {
            return false;
        }
        // SAFETY: looks up an operator that exists.
        let is_immutable = unsafe {
            pg_sys::func_volatile(pg_sys::get_opcode(equality.operator)) as u8 == pg_sys::PROVOLATILE_IMMUTABLE
        };
        is_immutable && self.is_keyed_by(equality) && self.has_collation_of(other)
    }

    /// The type that `other` is cast to in `other = self`, if values of it that are equal may differ by their own type, or the
    /// reverse: citext is compared with text as text. Whoever groups rows by `other` has to group them by that type.
    pub fn compares_as(self, other: ComparedColumn, schema: &str) -> Option<Oid> {
        let compared = equality(schema, other.type_id, self.type_id)?.left;
        // SAFETY: the types exist. Entries of the cache stay for the life of the session.
        let own =
            |type_id: Oid| unsafe { (*pg_sys::lookup_type_cache(type_id, pg_sys::TYPECACHE_EQ_OPR as i32)).eq_opr };
        let is_any = [pg_sys::ANYENUMOID, pg_sys::ANYARRAYOID].contains(&compared);
        (!is_any && compared != other.type_id && own(compared) != own(other.type_id)).then_some(compared)
    }

    fn is_keyed_by(self, equality: Equality) -> bool {
        // SAFETY: catalog look-ups accept any OID. A type without a default operator class yields 0.
        let is_of_key = unsafe {
            let class = pg_sys::GetDefaultOpClass(self.type_id, pg_sys::BTREE_AM_OID);
            class != Oid::INVALID
                && pg_sys::get_op_opfamily_strategy(equality.operator, pg_sys::get_opclass_family(class))
                    == pg_sys::BTEqualStrategyNumber as i32
        };
        // Values of these types are cast for the comparison, and two different values stay different.
        let is_exact = match self.type_id {
            pg_sys::INT2OID | pg_sys::INT4OID | pg_sys::INT8OID => equality.right == pg_sys::NUMERICOID,
            pg_sys::BPCHAROID => equality.right == pg_sys::TEXTOID,
            _ => false,
        };
        is_of_key || is_exact
    }

    /// Whether a comparison of the two columns has one meaning. For two collations Postgres uses the one that is not
    /// the default, or raises if neither is. If one of them is not deterministic, the result of a join depends on its
    /// plan.
    fn has_collation_of(self, other: ComparedColumn) -> bool {
        let default = [Oid::INVALID, pg_sys::DEFAULT_COLLATION_OID];
        let is_exact =
            // SAFETY: looks up a collation that exists.
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
    /// The type of its left operand
    left: Oid,
    /// The type of its right operand
    right: Oid,
}

/// The operator `=` of a schema that Postgres chooses for operands of two types; `None` if there is none, or if the
/// choice is ambiguous.
fn equality(schema: &str, left: Oid, right: Oid) -> Option<Equality> {
    // SAFETY: both names are NUL-terminated. With noError `oper` does not raise; a tuple that it returns belongs to the
    // syscache and is released once its OID is read.
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
        // The operator for all enums compares two values of the same enum only.
        let is_for_both = takes_right != pg_sys::ANYENUMOID || left == right;
        is_for_both.then_some(Equality { operator, left: takes_left, right: takes_right })
    }
}
