//! Tables whose rows refer to a portion's, and would be deleted or changed with these.

use rusqlite::Connection;

use super::RecordError;
use super::schema::{Table, quoted};

/// A foreign key of another table (or of the same) that does not just forbid that what it refers to is deleted.
pub(super) struct ForeignKey {
    id: i64,
    /// Whose rows refer.
    pub(super) child: String,
    /// Its columns, and those that they refer to; without a name, the primary key's.
    columns: Vec<(String, Option<String>)>,
}

/// The foreign keys by which rows would go, or change, with a row of the table.
pub(super) fn dependents(connection: &Connection, table: &Table) -> Result<Vec<ForeignKey>, RecordError> {
    let mut statement = connection.prepare(
        "SELECT l.name, f.id, f.\"from\", f.\"to\" FROM pragma_table_list AS l JOIN pragma_foreign_key_list(l.name) AS f
         WHERE l.schema = 'main' AND f.\"table\" = ?1 COLLATE NOCASE AND f.on_delete NOT IN ('NO ACTION', 'RESTRICT')
         ORDER BY l.name, f.id, f.seq",
    )?;
    let mut rows = statement.query([&table.name])?;
    let mut keys: Vec<ForeignKey> = Vec::new();
    while let Some(row) = rows.next()? {
        let (child, id): (String, i64) = (row.get(0)?, row.get(1)?);
        let columns = (row.get(2)?, row.get(3)?);
        match keys.last_mut() {
            Some(last) if last.child == child && last.id == id => last.columns.push(columns),
            _ => keys.push(ForeignKey { id, child, columns: vec![columns] }),
        }
    }
    Ok(keys)
}

impl ForeignKey {
    /// The question whether a row refers to the one of `table`, named `p`, of which `key` holds.
    pub(super) fn exists(&self, table: &Table, key: &str) -> String {
        let pairs = self.columns.iter().enumerate().map(|(at, (from, to))| {
            let to = to.as_ref().or(table.key().get(at)).map_or("", |to| to);
            format!("c.{} = p.{}", quoted(from), quoted(to))
        });
        let pairs: Vec<String> = pairs.collect();
        let (child, parent) = (quoted(&self.child), quoted(&table.name));
        format!("SELECT EXISTS (SELECT 1 FROM {child} AS c JOIN {parent} AS p ON {} WHERE {key})", pairs.join(" AND "))
    }
}
