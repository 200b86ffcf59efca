//! Selectivity from statistics of the expressions `property_*(document, 'name')`. ANALYZE collects these if there is an
//! index on the expression, or CREATE STATISTICS for it.

use crate::pg::statistics::Variable;
use pgrx::pg_sys::{self, Oid};
use pgrx::{IntoDatum, PgList};
use segments_core::comparison::PropertyComparison;
use segments_core::sql::TypedIndex;
use segments_core::types::ScalarType;
use std::ffi::CString;

/// The properties of the documents that a query reads.
#[derive(Clone, Copy)]
pub struct Properties {
    root: *mut pg_sys::PlannerInfo,
    document: *mut pg_sys::Node,
    /// The schema of the `property_*` functions
    schema: Oid,
}

impl Properties {
    /// `None` if the table of the documents has no index on an expression and no statistics of one.
    ///
    /// # Safety
    /// `root` is the planner's state that the variable was made with, and outlives the result.
    pub unsafe fn of(root: *mut pg_sys::PlannerInfo, variable: &Variable, schema: Oid) -> Option<Self> {
        // SAFETY: by this function's own condition; lists may be null, and are then empty.
        unsafe {
            let (relation, document) = (variable.relation()?, variable.expression());
            let indexes = PgList::<pg_sys::IndexOptInfo>::from_pg((*relation).indexlist);
            let statistics = PgList::<pg_sys::StatisticExtInfo>::from_pg((*relation).statlist);
            let has_any = indexes.iter_ptr().any(|index| !(*index).indexprs.is_null())
                || statistics.iter_ptr().any(|statistics| !(*statistics).exprs.is_null());
            has_any.then_some(Properties { root, document, schema })
        }
    }

    /// The fraction of rows that satisfy all comparisons. `None` if one of the properties has no statistics.
    pub fn selectivity(self, comparisons: &[PropertyComparison]) -> Option<f64> {
        let mut clauses = std::ptr::null_mut();
        for comparison in comparisons {
            let expression = self.expression(comparison.read_as, &comparison.property)?;
            // SAFETY: the expression belongs to the query that `root` plans. `lappend` accepts an empty list.
            unsafe {
                if !Variable::of_expression(self.root, expression).has_statistics() {
                    return None;
                }
                clauses = pg_sys::lappend(clauses, clause(expression, comparison)?.cast());
            }
        }
        // SAFETY: as above. All clauses are on one relation.
        let fraction = unsafe {
            let inner = pg_sys::JoinType::JOIN_INNER;
            pg_sys::clauselist_selectivity(self.root, clauses, 0, inner, std::ptr::null_mut())
        };
        Some(fraction)
    }

    /// The expression `property_*(document, 'name')`, equal to the one that the parser makes of that text.
    fn expression(self, read_as: ScalarType, property: &str) -> Option<*mut pg_sys::Node> {
        let name = CString::new(TypedIndex::function(read_as)).ok()?;
        let (type_, collation) = (type_of(read_as), pg_sys::DEFAULT_COLLATION_OID);
        // SAFETY: the syscache accepts any schema and name. The argument types are an oidvector of two, and the
        // constant is a text.
        unsafe {
            let types = [pg_sys::JSONBOID, pg_sys::TEXTOID];
            let types = pg_sys::buildoidvector(types.as_ptr(), 2);
            let function = pg_sys::GetSysCacheOid(
                pg_sys::SysCacheIdentifier::PROCNAMEARGSNSP as i32,
                pg_sys::Anum_pg_proc_oid as i16,
                name.as_c_str().into_datum()?,
                pg_sys::Datum::from(types),
                self.schema.into_datum()?,
                pg_sys::Datum::from(0),
            );
            if function == pg_sys::InvalidOid {
                return None;
            }
            let property = property.into_datum()?;
            let property = pg_sys::makeConst(pg_sys::TEXTOID, -1, collation, -1, property, false, false);
            let arguments =
                pg_sys::lappend(pg_sys::lappend(std::ptr::null_mut(), self.document.cast()), property.cast());
            let result = if read_as == ScalarType::String { collation } else { pg_sys::InvalidOid };
            let form = pg_sys::CoercionForm::COERCE_EXPLICIT_CALL;
            Some(pg_sys::makeFuncExpr(function, type_, arguments, result, collation, form).cast())
        }
    }
}

fn type_of(read_as: ScalarType) -> Oid {
    match read_as {
        ScalarType::String => pg_sys::TEXTOID,
        ScalarType::Number | ScalarType::DateSeconds | ScalarType::TimestampSeconds => pg_sys::NUMERICOID,
        ScalarType::Boolean => pg_sys::BOOLOID,
        ScalarType::Date => pg_sys::DATEOID,
        ScalarType::Timestamp => pg_sys::TIMESTAMPTZOID,
    }
}

/// # Safety
/// The expression has the type that the comparison reads its property as.
unsafe fn clause(expression: *mut pg_sys::Node, comparison: &PropertyComparison) -> Option<*mut pg_sys::Expr> {
    // Postgres simplifies `expression = true` and `expression = false` to this.
    if comparison.read_as == ScalarType::Boolean {
        // SAFETY: by this function's own condition.
        return Some(unsafe {
            if comparison.operand == "true" { expression.cast() } else { pg_sys::make_notclause(expression.cast()) }
        });
    }
    let (type_, none) = (type_of(comparison.read_as), pg_sys::InvalidOid);
    let operand = CString::new(comparison.operand.as_str()).ok()?;
    // SAFETY: by this function's own condition. The type is built in, so its operators and its input function exist.
    // The input function raises if the operand is out of range, as a comparison would.
    unsafe {
        let family = (*pg_sys::lookup_type_cache(type_, pg_sys::TYPECACHE_BTREE_OPFAMILY as i32)).btree_opf;
        let operator = pg_sys::get_opfamily_member(family, type_, type_, comparison.strategy as i16);
        let (mut input, mut parameter) = (none, none);
        pg_sys::getTypeInputInfo(type_, &raw mut input, &raw mut parameter);
        let operand = pg_sys::OidInputFunctionCall(input, operand.as_ptr().cast_mut(), parameter, -1);
        let collation = if type_ == pg_sys::TEXTOID { pg_sys::C_COLLATION_OID } else { none };
        let (length, by_value) = (pg_sys::get_typlen(type_), pg_sys::get_typbyval(type_));
        let operand = pg_sys::makeConst(type_, -1, collation, length.into(), operand, false, by_value);
        Some(pg_sys::make_opclause(
            operator,
            pg_sys::BOOLOID,
            false,
            expression.cast(),
            operand.cast(),
            none,
            collation,
        ))
    }
}
