//! Whether a query may know what a column holds in all rows.

use pgrx::{PgList, pg_sys};

/// Whether whoever asks may read the column in every row of the relation. If not, estimates may not depend on what it
/// holds: they would tell of hidden rows, a letter of a document at a time.
///
/// Postgres: `all_rows_selectable` in `src/backend/utils/adt/selfuncs.c`.
///
/// # Safety
/// `root` is the planner's state that the relation is of, which is a table with that column.
pub unsafe fn in_every_row(root: *mut pg_sys::PlannerInfo, relation: *mut pg_sys::RelOptInfo, column: i16) -> bool {
    // SAFETY: by this function's own condition; the checks of rights take any OIDs.
    unsafe {
        let Some((entry, column)) = named(root, (*relation).relid, column) else { return false };
        // Through a view, its owner asks.
        let owner = (*relation).userid;
        let role = if owner == pg_sys::InvalidOid { pg_sys::GetUserId() } else { owner };
        let (table, select) = ((*entry).relid, pg_sys::ACL_SELECT as pg_sys::AclMode);
        (*entry).securityQuals.is_null()
            && !is_behind_barrier(root)
            && (pg_sys::pg_class_aclcheck(table, role, select) == pg_sys::AclResult::ACLCHECK_OK
                || pg_sys::pg_attribute_aclcheck(table, column, role, select) == pg_sys::AclResult::ACLCHECK_OK)
    }
}

/// The table that the query names, of which the relation is a partition or a child, and the column's number in it.
/// Policies and rights are of that table. `None` where it has no such column.
///
/// # Safety
/// As of [`in_every_row`].
unsafe fn named(
    root: *mut pg_sys::PlannerInfo,
    mut relation: u32,
    mut column: i16,
) -> Option<(*mut pg_sys::RangeTblEntry, i16)> {
    // SAFETY: by this function's own condition; where there is an array, it has an entry for every relation.
    unsafe {
        loop {
            let entry = pg_sys::planner_rt_fetch(relation, root);
            let children = (*root).append_rel_array;
            let child = if children.is_null() { std::ptr::null_mut() } else { *children.add(relation as usize) };
            // The parent of what is under UNION ALL is no table.
            if child.is_null()
                || (*pg_sys::planner_rt_fetch((*child).parent_relid, root)).rtekind != pg_sys::RTEKind::RTE_RELATION
            {
                return Some((entry, column));
            }
            let index = usize::try_from(column - 1).ok().filter(|index| *index < (*child).num_child_cols as usize)?;
            column = *(*child).parent_colnos.add(index);
            relation = (*child).parent_relid;
            if column == 0 {
                return None;
            }
        }
    }
}

/// Whether it is planned as part of a query with a view that is a security barrier, and so may be that view: its
/// conditions hide rows as policies do.
///
/// # Safety
/// `root` is the planner's state.
unsafe fn is_behind_barrier(root: *mut pg_sys::PlannerInfo) -> bool {
    // SAFETY: by this function's own condition; a list of entries may be null, and is then empty.
    unsafe {
        let mut outer = (*root).parent_root;
        while !outer.is_null() {
            let entries = PgList::<pg_sys::RangeTblEntry>::from_pg((*(*outer).parse).rtable);
            if entries.iter_ptr().any(|entry| (*entry).security_barrier) {
                return true;
            }
            outer = (*outer).parent_root;
        }
        false
    }
}
