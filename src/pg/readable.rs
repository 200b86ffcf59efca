//! Whether a role may read a column in every row.

use pgrx::{PgList, pg_sys};

/// Whether the role that runs the query may read the column in every row of the relation. If not, estimates must not
/// depend on what the column holds, because a series of estimates would reveal hidden rows letter by letter.
///
/// Postgres: `all_rows_selectable` in `src/backend/utils/adt/selfuncs.c`.
///
/// # Safety
/// `root` is the planner's state to which the relation belongs. The relation is a table that has the column.
pub unsafe fn in_every_row(root: *mut pg_sys::PlannerInfo, relation: *mut pg_sys::RelOptInfo, column: i16) -> bool {
    // SAFETY: by this function's own condition. The checks of rights accept any OID.
    unsafe {
        let Some((entry, column)) = named(root, (*relation).relid, column) else { return false };
        // A table behind a view is read with the rights of the view's owner.
        let owner = (*relation).userid;
        let role = if owner == pg_sys::InvalidOid { pg_sys::GetUserId() } else { owner };
        let (table, select) = ((*entry).relid, pg_sys::ACL_SELECT as pg_sys::AclMode);
        (*entry).securityQuals.is_null()
            && !is_behind_barrier(root)
            && (pg_sys::pg_class_aclcheck(table, role, select) == pg_sys::AclResult::ACLCHECK_OK
                || pg_sys::pg_attribute_aclcheck(table, column, role, select) == pg_sys::AclResult::ACLCHECK_OK)
    }
}

/// The table that the query names, if the relation is a partition or a child of it, and the number of the column there.
/// Postgres applies the policies and rights of that table. `None` if it has no such column.
///
/// # Safety
/// As for [`in_every_row`].
unsafe fn named(
    root: *mut pg_sys::PlannerInfo,
    mut relation: u32,
    mut column: i16,
) -> Option<(*mut pg_sys::RangeTblEntry, i16)> {
    // SAFETY: by this function's own condition. The array is null or has an entry for every relation.
    unsafe {
        loop {
            let entry = pg_sys::planner_rt_fetch(relation, root);
            let children = (*root).append_rel_array;
            let child = if children.is_null() { std::ptr::null_mut() } else { *children.add(relation as usize) };
            // The parent of a branch of UNION ALL is not a table.
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

/// Whether an outer query has a security-barrier view. Then this may be the plan of that view, whose conditions hide
/// rows as policies do.
///
/// # Safety
/// `root` is the planner's state.
unsafe fn is_behind_barrier(root: *mut pg_sys::PlannerInfo) -> bool {
    // SAFETY: by this function's own condition. A list that is null counts as empty.
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
