//! Any bytes in the place of what a column index stores are a value or an error.

#[pgrx::pg_schema]
mod tests {
    use crate::pg::indexed_columns::IndexedColumns;
    use crate::pg::open_index::OpenIndex;
    use crate::pg::query;
    use crate::pg::spi::QueryText::Made;
    use crate::pg::subtransaction;
    use crate::tests::random::Random;
    use crate::tests::seeds;
    use pgrx::prelude::*;
    use segments_core::columns::{Given, Natives, write_elements};
    use segments_core::row::Cell;

    const ROUNDS: usize = 2_000;

    #[pg_test]
    fn any_stored_bytes_are_a_value_or_damage() {
        for sql in [
            "CREATE TYPE mind AS ENUM ('glad', 'sad')",
            "CREATE TABLE stored (state mind, states mind[], tags text[], amounts numeric[], names name[], addresses inet[], raw json, word text)",
            "CREATE INDEX stored_columns ON stored USING segments (state, states, tags, amounts, names, addresses, raw, word)",
        ] {
            query::write(Made(sql), &[]);
        }
        let index = query::first(Made("SELECT 'stored_columns'::regclass::oid"), &[], |row| row.get(1));
        let open = index.and_then(OpenIndex::for_reading).expect("the index was created");
        let columns = IndexedColumns::of(&open);
        let label =
            query::first("SELECT max(oid) FROM pg_enum", &[], |row| row.get::<pg_sys::Oid>(1)).expect("a label");
        let label = label.to_u32().to_le_bytes();
        let elements = || [Given::Stored(&label), Given::Value(Cell::String(b"t1")), Given::Value(Cell::Bool(true))];
        let sound = write_elements(elements());
        for seed in seeds() {
            let mut random = Random::new(seed);
            let (mut values, mut errors) = (0, 0);
            for _ in 0..ROUNDS {
                let mut bytes = match random.below(3) {
                    0 => (0..random.below(40)).map(|_| random.below(256) as u8).collect(),
                    1 => label.to_vec(),
                    _ => sound.clone(),
                };
                if random.below(4) > 0 && !bytes.is_empty() {
                    let at = random.below(bytes.len());
                    bytes[at] = random.below(256) as u8;
                }
                let column = random.pick(&["state", "states", "tags", "amounts", "names", "addresses", "raw", "word"]);
                let mut is_seen = false;
                match subtransaction::attempt(|| columns.read(column, &bytes, &mut |_| is_seen = true)) {
                    Ok(()) => values += usize::from(is_seen),
                    Err(raised) => {
                        let is_damage = raised.sqlstate == PgSqlErrorCode::ERRCODE_INDEX_CORRUPTED;
                        assert!(is_damage, "seed {seed}: {column} of {bytes:?}: {}", raised.message());
                        errors += 1;
                    }
                }
            }
            assert!(values + errors == ROUNDS && values > 0 && errors > 0, "{values} {errors}");
        }
    }
}
