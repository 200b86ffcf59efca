//! Statistics that ANALYZE has stored for a jsonb column.

use crate::pg::detoast::Detoasted;
use crate::pg::readable;
use crate::pg::sample::TableColumn;
use pgrx::pg_sys;

/// The column or other expression that a condition is about, as the planner knows it.
pub struct Variable(pg_sys::VariableStatData);

/// Documents from `pg_statistic`. They live as long as this value.
pub struct Statistics {
    null_fraction: f64,
    common: Vec<(Detoasted, f64)>,
    spread: Vec<Detoasted>,
    /// The memory that the documents point into
    _slots: [Slot; 2],
}

impl Statistics {
    /// The fraction of rows that have NULL.
    pub fn null_fraction(&self) -> f64 {
        self.null_fraction
    }

    /// Documents that many rows have, and the fraction of rows that have each.
    pub fn common(&self) -> &[(Detoasted, f64)] {
        &self.common
    }

    /// Some of the other documents, spread evenly in the order of jsonb.
    pub fn spread(&self) -> &[Detoasted] {
        &self.spread
    }
}

impl Variable {
    /// The document among the arguments of a call of `segment_matches` or `segment_is_matched_by`; `None` if the
    /// condition is not a constant or belongs to the same relation.
    ///
    /// # Safety
    /// The arguments are those that the planner passes to a restriction estimator, and planning goes on until the
    /// result is dropped.
    pub unsafe fn of_arguments(
        root: *mut pg_sys::PlannerInfo,
        arguments: *mut pg_sys::List,
        relation: i32,
    ) -> Option<Self> {
        let mut variable = Variable(pg_sys::VariableStatData::default());
        let (mut other, mut is_left) = (std::ptr::null_mut(), false);
        // SAFETY: by this function's own condition.
        let is_found = unsafe {
            pg_sys::get_restriction_variable(
                root,
                arguments,
                relation,
                &raw mut variable.0,
                &raw mut other,
                &raw mut is_left,
            )
        };
        if is_found {
            // A superuser may use the estimator for operators on other types.
            (variable.0.vartype == pg_sys::JSONBOID).then_some(variable)
        } else {
            // Postgres has already released the statistics.
            std::mem::forget(variable);
            None
        }
    }

    /// An expression of the query.
    ///
    /// # Safety
    /// As for [`of_arguments`](Self::of_arguments).
    pub unsafe fn of_expression(root: *mut pg_sys::PlannerInfo, expression: *mut pg_sys::Node) -> Self {
        let mut variable = Variable(pg_sys::VariableStatData::default());
        // SAFETY: by this function's own condition.
        unsafe { pg_sys::examine_variable(root, expression, 0, &raw mut variable.0) };
        variable
    }

    /// The relation of the query that the expression belongs to; `None` if there is no single one.
    pub fn relation(&self) -> Option<*mut pg_sys::RelOptInfo> {
        (!self.0.rel.is_null()).then_some(self.0.rel)
    }

    /// The expression itself.
    pub fn expression(&self) -> *mut pg_sys::Node {
        self.0.var
    }

    /// Whether there are statistics that the role may use.
    pub fn has_statistics(&self) -> bool {
        !self.0.statsTuple.is_null() && self.0.acl_ok
    }

    /// The column of a table, if the expression is one; `None` for other expressions, and for a column of a table with
    /// partitions or children.
    ///
    /// # Safety
    /// `root` is the planner's state that this value was made with.
    pub unsafe fn column(&self, root: *mut pg_sys::PlannerInfo) -> Option<TableColumn> {
        // SAFETY: by this function's own condition.
        unsafe {
            let (entry, number) = self.stored(root)?;
            (!(*entry).inh).then(|| TableColumn { relation: (*entry).relid, number })
        }
    }

    /// Whether the role may read the column in every row. If not, estimates must not use its documents. Postgres lets
    /// leakproof operators use statistics all the same, but conditions with patterns could spell hidden documents out.
    ///
    /// # Safety
    /// `root` is the planner's state that this value was made with.
    pub unsafe fn is_readable(&self, root: *mut pg_sys::PlannerInfo) -> bool {
        let is_known = self.0.statsTuple.is_null() || self.0.acl_ok;
        // SAFETY: by this function's own condition. If there is a column, `rel` is its table.
        let is_readable = |(_, number)| unsafe { readable::in_every_row(root, self.0.rel, number) };
        is_known && unsafe { self.stored(root) }.is_none_or(is_readable)
    }

    /// The table and the number of the column, if the expression is one. The table may have partitions.
    ///
    /// # Safety
    /// `root` is the planner's state that this value was made with.
    unsafe fn stored(&self, root: *mut pg_sys::PlannerInfo) -> Option<(*mut pg_sys::RangeTblEntry, i16)> {
        // SAFETY: by this function's own condition. A Var with a relation names an entry of the range table.
        unsafe {
            if self.0.rel.is_null() || !pgrx::is_a(self.0.var, pg_sys::NodeTag::T_Var) {
                return None;
            }
            let var = self.0.var.cast::<pg_sys::Var>();
            let entry = pg_sys::planner_rt_fetch((*self.0.rel).relid, root);
            let is_its = (*var).varno as u32 == (*self.0.rel).relid && (*var).varlevelsup == 0 && (*var).varattno > 0;
            let is_table = (*entry).rtekind == pg_sys::RTEKind::RTE_RELATION;
            (is_its && is_table).then_some((entry, (*var).varattno))
        }
    }

    /// How many partitions or children the query reads in place of one table, this one included; 1 for an ordinary
    /// table.
    ///
    /// # Safety
    /// `root` is the planner's state that this value was made with.
    pub unsafe fn siblings(&self, root: *mut pg_sys::PlannerInfo) -> u32 {
        // SAFETY: by this function's own condition. The list may be null.
        unsafe {
            let children = (*root).append_rel_list;
            let is_child = !self.0.rel.is_null()
                && (*self.0.rel).reloptkind == pg_sys::RelOptKind::RELOPT_OTHER_MEMBER_REL
                && !children.is_null();
            if is_child { (*children).length.unsigned_abs() } else { 1 }
        }
    }

    /// The statistics of the column; `None` if ANALYZE has never run. Use them only if
    /// [`is_readable`](Self::is_readable).
    pub fn statistics(&self) -> Option<Statistics> {
        if self.0.statsTuple.is_null() {
            return None;
        }
        // SAFETY: the tuple is a row of pg_statistic that is held until drop. The slots own the memory of the documents
        // and are kept with them.
        unsafe {
            let row = pg_sys::GETSTRUCT(self.0.statsTuple).cast::<pg_sys::FormData_pg_statistic>();
            let (values, numbers) = (pg_sys::ATTSTATSSLOT_VALUES, pg_sys::ATTSTATSSLOT_NUMBERS);
            let mut common = Slot::read(self.0.statsTuple, pg_sys::STATISTIC_KIND_MCV, values | numbers);
            let mut spread = Slot::read(self.0.statsTuple, pg_sys::STATISTIC_KIND_HISTOGRAM, values);
            let frequencies = common.numbers().iter().map(|frequency| f64::from(*frequency)).collect::<Vec<_>>();
            Some(Statistics {
                null_fraction: f64::from((*row).stanullfrac),
                common: common.documents().zip(frequencies).collect(),
                spread: spread.documents().collect(),
                _slots: [common, spread],
            })
        }
    }
}

impl Drop for Variable {
    fn drop(&mut self) {
        // ReleaseVariableStats of utils/selfuncs.h. After an error Postgres releases the tuple itself.
        if let (false, false, Some(release)) = (std::thread::panicking(), self.0.statsTuple.is_null(), self.0.freefunc)
        {
            // SAFETY: Postgres gave this function together with the tuple. It cannot raise.
            unsafe { release(self.0.statsTuple) }
        }
    }
}

/// One kind of statistics; empty if ANALYZE has stored none.
struct Slot(pg_sys::AttStatsSlot);

impl Slot {
    /// # Safety
    /// The tuple is a row of pg_statistic, and that kind of statistics has the parts that the flags ask for.
    unsafe fn read(tuple: pg_sys::HeapTuple, kind: u32, flags: u32) -> Self {
        let mut slot = Slot(pg_sys::AttStatsSlot::default());
        // SAFETY: by this function's own condition. A slot that was not found stays empty.
        unsafe {
            pg_sys::get_attstatsslot(&raw mut slot.0, tuple, kind as i32, pg_sys::InvalidOid, flags as i32);
        }
        slot
    }

    fn numbers(&self) -> &[f32] {
        let Ok(length @ 1..) = usize::try_from(self.0.nnumbers) else { return &[] };
        // SAFETY: get_attstatsslot set the pointer and the length. The memory belongs to self.
        unsafe { std::slice::from_raw_parts(self.0.numbers, length) }
    }

    /// The values as documents; none if they are not of type jsonb or a domain over it.
    ///
    /// # Safety
    /// The slot outlives the documents.
    unsafe fn documents(&mut self) -> impl Iterator<Item = Detoasted> {
        let values = match usize::try_from(self.0.nvalues) {
            // SAFETY: get_attstatsslot set the pointer, the length and the type. The memory belongs to self.
            Ok(length @ 1..) if unsafe { pg_sys::getBaseType(self.0.valuetype) } == pg_sys::JSONBOID => unsafe {
                std::slice::from_raw_parts(self.0.values, length).to_vec()
            },
            _ => vec![],
        };
        // SAFETY: by this function's own condition.
        values.into_iter().map(|value| unsafe { Detoasted::new(value) })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: get_attstatsslot filled the slot or left it empty; both may be freed.
            unsafe { pg_sys::free_attstatsslot(&raw mut self.0) }
        }
    }
}
