//! Reading and making nodes of the planner's expression trees.

use crate::pg::detoast::Detoasted;
use pgrx::pg_sys::{self, Datum, NodeTag, Oid};
use pgrx::{IntoDatum, PgBox, is_a};
use std::ffi::CString;

/// A clause that a GIN index on a document can serve: an operator of the index's family, and the operand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IndexClause {
    /// `@@`: a jsonpath predicate
    JsonPath(String),
    /// `?`: a key
    Key(String),
    /// `?|`: any of these keys
    AnyKey(Vec<String>),
}

/// The arguments of a call of a function or an operator; an empty list for any other node and for null.
///
/// # Safety
/// `call` is a node or null.
pub unsafe fn arguments(call: *mut pg_sys::Node) -> *mut pg_sys::List {
    // SAFETY: by this function's own condition. The tag names the struct.
    unsafe {
        if is_a(call, NodeTag::T_OpExpr) {
            (*call.cast::<pg_sys::OpExpr>()).args
        } else if is_a(call, NodeTag::T_FuncExpr) {
            (*call.cast::<pg_sys::FuncExpr>()).args
        } else {
            std::ptr::null_mut()
        }
    }
}

/// The node at a position of a list, from 0.
///
/// # Safety
/// `list` is a list of nodes or null.
pub unsafe fn nth(list: *mut pg_sys::List, position: i32) -> Option<*mut pg_sys::Node> {
    // SAFETY: by this function's own condition; the position is checked against the length.
    unsafe {
        let within = !list.is_null() && (0..(*list).length).contains(&position);
        within.then(|| (*(*list).elements.offset(position as isize)).ptr_value.cast())
    }
}

/// The text of the condition among the arguments of a call; `None` if it is not a constant, or NULL.
///
/// # Safety
/// `arguments` is the argument list of a call, or null.
pub unsafe fn condition_text(arguments: *mut pg_sys::List) -> Option<Vec<u8>> {
    // SAFETY: by this function's own condition. `segment_matches` and `segment_is_matched_by` take a jsonb and a
    // segment_condition, which is stored as text. A superuser may attach the support function to other functions; then
    // the constant is some varlena, and its bytes are read all the same.
    unsafe {
        let constant = (0..2).filter_map(|position| nth(arguments, position)).find_map(|argument| {
            let constant = argument.cast::<pg_sys::Const>();
            let is_varlena = is_a(argument, NodeTag::T_Const) && (*constant).constlen == -1;
            (is_varlena && (*constant).consttype != pg_sys::JSONBOID).then_some(constant)
        })?;
        (!(*constant).constisnull).then(|| Detoasted::new((*constant).constvalue).bytes().to_vec())
    }
}

/// The expression `document operator operand`, with the operator of an index's family; `None` if the family has no such
/// operator.
///
/// # Safety
/// `document` is an expression of type jsonb.
pub unsafe fn operator_clause(
    document: *mut pg_sys::Node,
    family: Oid,
    clause: &IndexClause,
) -> Option<*mut pg_sys::Expr> {
    let (strategy, operand_type, operand) = operand(clause)?;
    // SAFETY: by this function's own condition. The constant is a varlena of the operator's right type.
    unsafe {
        let operator = pg_sys::get_opfamily_member(family, pg_sys::JSONBOID, operand_type, strategy);
        if operator == pg_sys::InvalidOid {
            return None;
        }
        let none = pg_sys::InvalidOid;
        let collation = pg_sys::get_typcollation(operand_type);
        let constant = pg_sys::makeConst(operand_type, -1, collation, -1, operand, false, false);
        Some(pg_sys::make_opclause(operator, pg_sys::BOOLOID, false, document.cast(), constant.cast(), none, none))
    }
}

/// The strategy number in GIN's families over jsonb, the type of the operand, and the operand.
fn operand(clause: &IndexClause) -> Option<(i16, Oid, Datum)> {
    // src/include/utils/jsonb.h
    const EXISTS: i16 = 9;
    const EXISTS_ANY: i16 = 10;
    const JSONPATH_PREDICATE: i16 = 16;
    Some(match clause {
        IndexClause::JsonPath(text) => {
            let text = CString::new(text.as_str()).ok()?;
            // SAFETY: jsonpath_in takes a NUL-terminated string.
            let jsonpath =
                unsafe { pgrx::direct_function_call_as_datum(pg_sys::jsonpath_in, &[text.as_c_str().into_datum()]) };
            (JSONPATH_PREDICATE, pg_sys::JSONPATHOID, jsonpath?)
        }
        IndexClause::Key(key) => (EXISTS, pg_sys::TEXTOID, key.as_str().into_datum()?),
        IndexClause::AnyKey(keys) => (EXISTS_ANY, pg_sys::TEXTARRAYOID, keys.clone().into_datum()?),
    })
}

/// The conjunction of two conditions.
///
/// # Safety
/// Both are boolean expressions.
pub unsafe fn both(left: *mut pg_sys::Node, right: *mut pg_sys::Node) -> *mut pg_sys::Node {
    // SAFETY: by this function's own condition.
    unsafe {
        let parts = pg_sys::lappend(pg_sys::lappend(std::ptr::null_mut(), left.cast()), right.cast());
        pg_sys::make_andclause(parts).cast()
    }
}

/// The condition that a column is not NULL.
///
/// # Safety
/// The pointer is to a Var.
pub unsafe fn is_not_null(var: *mut pg_sys::Var) -> *mut pg_sys::Node {
    // SAFETY: by this function's own condition. The new node has its tag.
    unsafe {
        let mut test = PgBox::<pg_sys::NullTest>::alloc_node(NodeTag::T_NullTest);
        test.arg = pg_sys::copyObjectImpl(var.cast()).cast();
        test.nulltesttype = pg_sys::NullTestType::IS_NOT_NULL;
        test.argisrow = false;
        test.location = -1;
        test.into_pg().cast()
    }
}

/// The value of an expression where a condition holds, otherwise NULL.
///
/// # Safety
/// Both are boolean expressions.
pub unsafe fn when(condition: *mut pg_sys::Node, value: *mut pg_sys::Node) -> *mut pg_sys::Node {
    // SAFETY: by this function's own condition. The new nodes have their tags.
    unsafe {
        let mut branch = PgBox::<pg_sys::CaseWhen>::alloc_node(NodeTag::T_CaseWhen);
        branch.expr = condition.cast();
        branch.result = value.cast();
        branch.location = -1;
        let mut case = PgBox::<pg_sys::CaseExpr>::alloc_node(NodeTag::T_CaseExpr);
        case.casetype = pg_sys::BOOLOID;
        case.args = pg_sys::lappend(std::ptr::null_mut(), branch.into_pg().cast());
        case.defresult = pg_sys::makeBoolConst(false, true).cast();
        case.location = -1;
        case.into_pg().cast()
    }
}

/// An expression that is false where a condition is NULL.
///
/// # Safety
/// The node is a boolean expression.
pub unsafe fn is_true(condition: *mut pg_sys::Node) -> *mut pg_sys::Node {
    // SAFETY: by this function's own condition. The new node has its tag.
    unsafe {
        if is_a(condition, NodeTag::T_Const) && !(*condition.cast::<pg_sys::Const>()).constisnull {
            return condition;
        }
        let mut test = PgBox::<pg_sys::BooleanTest>::alloc_node(NodeTag::T_BooleanTest);
        test.arg = condition.cast();
        test.booltesttype = pg_sys::BoolTestType::IS_TRUE;
        test.location = -1;
        test.into_pg().cast()
    }
}
