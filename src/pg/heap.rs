//! Inserting rows into tables of the extension without a query. Every statement of a writer may add such a row, and a
//! query would cost more than all the other work of the trigger.

use crate::pg::error::internal;
use pgrx::datum::DatumWithOid;
use pgrx::pg_sys::{self, Datum, Oid};

/// Inserts a row into a table without indexes, triggers and CHECK constraints. No value may be NULL.
pub fn insert(relation: Oid, values: &[DatumWithOid]) {
    let mut datums: Vec<Datum> = values.iter().filter_map(|value| Some(value.datum()?.sans_lifetime())).collect();
    let mut nulls = vec![false; datums.len()];
    // SAFETY: the table is a plain heap, and there is a value of the right type for each column; both are checked.
    // Postgres itself inserts rows into catalogs in this way (catalog/indexing.c, CatalogTupleInsert). Large values are
    // compressed or stored out of line as in any other insert. The lock lasts until the transaction ends.
    unsafe {
        let table = pg_sys::table_open(relation, pg_sys::RowExclusiveLock as pg_sys::LOCKMODE);
        let columns = (*table).rd_att;
        let class = (*table).rd_rel;
        let is_plain = (*class).relkind as u8 == pg_sys::RELKIND_RELATION
            && std::ptr::eq((*table).rd_tableam, pg_sys::GetHeapamTableAmRoutine())
            && !((*class).relhasindex || (*class).relhastriggers)
            && (*class).relchecks == 0;
        if !is_plain {
            internal("the table is not a plain table without indexes, triggers and constraints").raise()
        }
        let types: Vec<Oid> = (1..=(*columns).natts).map(|number| pg_sys::SPI_gettypeid(columns, number)).collect();
        if datums.len() != values.len() || !types.iter().copied().eq(values.iter().map(DatumWithOid::oid)) {
            internal("the values do not fit the columns of the table").raise()
        }
        let tuple = pg_sys::heap_form_tuple(columns, datums.as_mut_ptr(), nulls.as_mut_ptr());
        pg_sys::simple_heap_insert(table, tuple);
        pg_sys::heap_freetuple(tuple);
        pg_sys::table_close(table, pg_sys::NoLock as pg_sys::LOCKMODE);
    }
}
