//! Reading the stored audiences and segments, and what the server's catalog says of their tables. Nothing here runs a
//! command of a user.

pub mod access;
pub mod audience;
pub mod column;
pub mod columns;
pub mod contact_sql;
pub mod definition_cache;
pub mod environment;
pub mod freshness;
pub mod ids;
pub mod indexes;
pub mod obstacle;
pub mod related_tables;
pub mod scope;
pub mod segment;
pub mod source;
pub mod subscription;
pub mod table_tree;
pub mod tables;
pub mod time_zone;
pub mod visible;
