//! The policy in SQLite.

use async_trait::async_trait;
use auth_core::{PolicyVersion, StoreError};
use auth_rbac::{
    Loaded, PolicyChange, PolicySource, PolicyStore, PolicyStoreError, Revision, Saved, SourceError,
    document::PolicyDocument,
};
use sqlx::AssertSqlSafe;

use super::{
    Sqlite,
    statement::{Statement, Transaction, sql},
};
use crate::{
    fields::Fields,
    number::to_column,
    policy::{
        self, Found, HEAD, Mark, SET_HEAD, SET_VERSION, VERSION,
        change::{Made, made},
        read::{Reading, mark, steps},
        table::{Cell, EMPTY},
        write::Written,
    },
};

/// The policy of a [`Sqlite`] database: a [`PolicySource`] and a [`PolicyStore`]. Cheap to clone.
///
/// A policy is read as it was at one moment. One that has not changed costs one look at one row.
#[derive(Debug, Clone)]
pub struct SqlitePolicy(pub(super) Sqlite);

#[cfg(test)]
pub(super) const ALL: &[&str] = &[VERSION, HEAD, SET_HEAD, SET_VERSION];

#[async_trait]
impl PolicySource for SqlitePolicy {
    async fn load(&self, known: Option<&Revision>) -> Result<Loaded, SourceError> {
        if let Some(known) = known {
            let found = self.0.read_one(sql(VERSION)).await.map_err(SourceError::Store)?;
            if policy::is_known(found, known)? {
                return Ok(Loaded::Unchanged);
            }
        }
        self.found().await.map_err(SourceError::Store)?.loaded()
    }
}

#[async_trait]
impl PolicyStore for SqlitePolicy {
    async fn save(
        &self,
        expected: PolicyVersion,
        document: &PolicyDocument,
    ) -> Result<Saved, PolicyStoreError> {
        policy::check(expected, document.clone()).await?;
        Ok(self.write(expected, &Mark::new(document.version)?, &policy::written(document)?).await?)
    }

    async fn change(
        &self,
        expected: PolicyVersion,
        changes: &[PolicyChange],
    ) -> Result<Saved, PolicyStoreError> {
        policy::limit(changes)?;
        let found = match policy::changed(self.found().await?, expected, changes).await? {
            Ok(found) => found,
            Err(conflict) => return Ok(conflict),
        };
        let made = changes.iter().map(made).collect::<Result<Vec<_>, _>>()?;
        Ok(self.make(&found, &Mark::new(expected.next())?, &made).await?)
    }
}

impl SqlitePolicy {
    async fn found(&self) -> Result<Found, StoreError> {
        let mut transaction = self.0.begin_reading().await?;
        let Some(mut reading) = Reading::begin(transaction.read_one(sql(HEAD)).await?)? else {
            return Ok(Found::Nothing);
        };
        for (text, read) in steps() {
            let rows = transaction.read_all(sqlx::query(AssertSqlSafe(text)).bind(reading.limit())).await?;
            if reading.take(rows, read)?.is_err() {
                return Ok(Found::TooLarge);
            }
        }
        Ok(reading.end())
    }

    async fn write(
        &self,
        expected: PolicyVersion,
        mark: &Mark,
        written: &Written<'_>,
    ) -> Result<Saved, StoreError> {
        let mut transaction = self.0.begin().await?;
        let found = stored(&mut transaction).await?;
        if found.version != expected {
            return Ok(Saved::Conflict(found.version));
        }
        for text in EMPTY {
            transaction.write(sql(text)).await?;
        }
        for (text, cells, _) in written.tables.iter().flat_map(|rows| rows.batches()) {
            transaction.write(statement(text.to_owned(), cells)).await?;
        }
        let head = sql(SET_HEAD)
            .bind(to_column(mark.version.get()))
            .bind(&*mark.stamp)
            .bind(&*written.combining)
            .bind(written.acl_order.as_deref())
            .bind(written.attributes.as_deref());
        transaction.write(head).await?;
        transaction.commit().await?;
        Ok(Saved::Saved(mark.version))
    }

    async fn make(&self, expected: &Mark, mark: &Mark, made: &[Made<'_>]) -> Result<Saved, StoreError> {
        let mut transaction = self.0.begin().await?;
        let found = stored(&mut transaction).await?;
        if found != *expected {
            return Ok(Saved::Conflict(found.version));
        }
        for Made { text, adds, cells } in made {
            let end = if *adds { " ON CONFLICT DO NOTHING" } else { "" };
            transaction.write(statement(format!("{text}{end}"), cells)).await?;
        }
        transaction.write(sql(SET_VERSION).bind(to_column(mark.version.get())).bind(&*mark.stamp)).await?;
        transaction.commit().await?;
        Ok(Saved::Saved(mark.version))
    }
}

/// The policy that is stored. There is one writer, so nobody else changes it before the transaction ends.
async fn stored(transaction: &mut Transaction) -> Result<Mark, StoreError> {
    mark(&Fields(transaction.read_one(sql(VERSION)).await?.ok_or(StoreError::corrupt("version"))?))
}

/// Of the program's own text, nothing but the values is anybody else's.
fn statement<'q>(text: String, cells: &[Cell<'_>]) -> Statement<'q> {
    cells.iter().fold(sqlx::query(AssertSqlSafe(text)), |query, cell| match cell {
        Cell::Text(text) => query.bind(text.as_deref().map(str::to_owned)),
        Cell::Number(number) => query.bind(*number),
        Cell::Flag(flag) => query.bind(*flag),
    })
}
