//! The tables, their version, and how an older database becomes a newer one.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, params};

use super::super::StoreError;
use super::rows::failed;

/// One step a schema version: the database's `user_version` tells how many were made.
const MIGRATIONS: [&str; 2] = [include_str!("schema_1.sql"), include_str!("schema_2.sql")];

/// How long a connection waits for another one's lock.
const BUSY: Duration = Duration::from_secs(10);

/// Opens the database for the writer: the connection, and the database's incarnation.
pub(super) fn open(path: &Path) -> Result<(Connection, [u8; 16]), StoreError> {
    let mut connection = Connection::open(path).map_err(failed("open"))?;
    connection.busy_timeout(BUSY).map_err(failed("open"))?;
    connection.set_prepared_statement_cache_capacity(128);
    // Checkpoints are made by a thread of their own, so that no commit waits for one.
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; \
             PRAGMA foreign_keys = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -65536;",
        )
        .map_err(failed("open"))?;
    migrate(&mut connection)?;
    let incarnation: Vec<u8> = connection
        .query_row("SELECT value FROM settings WHERE name = 'incarnation'", [], |row| row.get(0))
        .map_err(failed("read its incarnation"))?;
    let incarnation =
        incarnation.try_into().map_err(|_| StoreError::Damaged("its incarnation has another length".to_owned()))?;
    Ok((connection, incarnation))
}

fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    let transaction = connection
        .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
        .map_err(failed("be brought up to date"))?;
    let found: u32 =
        transaction.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed("tell its schema"))?;
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    for step in MIGRATIONS.iter().skip(found as usize) {
        transaction.execute_batch(step).map_err(failed("be brought up to date"))?;
    }
    if found == 0 {
        let mut incarnation = [0_u8; 16];
        getrandom::fill(&mut incarnation)
            .map_err(|_| StoreError::Damaged("the system gives no random bytes".to_owned()))?;
        transaction
            .execute("INSERT INTO settings (name, value) VALUES ('incarnation', ?1)", params![incarnation])
            .map_err(failed("keep its incarnation"))?;
    }
    transaction.pragma_update(None, "user_version", known).map_err(failed("be brought up to date"))?;
    transaction.commit().map_err(failed("be brought up to date"))
}

/// Opens the database for reads.
pub(super) fn reader(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed("open"))?;
    connection.busy_timeout(BUSY).map_err(failed("open"))?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}
