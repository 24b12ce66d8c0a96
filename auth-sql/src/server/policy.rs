//! The policy on a server.

use async_trait::async_trait;
use auth_core::{PolicyVersion, StoreError};
use auth_rbac::{
    Loaded, PolicyChange, PolicySource, PolicyStore, PolicyStoreError, Revision, Saved, SourceError,
    document::PolicyDocument,
};

use super::{
    client::Client,
    driver::Driver,
    failure::Failure,
    statement::{Statement, Value, sql},
    transaction::Transaction,
    work::{Work, repeated},
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

/// The policy of a database on a server: a [`PolicySource`] and a [`PolicyStore`]. Cheap to clone.
///
/// A policy is read as it was at one moment. One that has not changed costs one look at one row.
#[derive(Debug, Clone)]
#[expect(private_bounds, reason = "the databases are this crate's")]
pub struct ServerPolicy<D: Driver>(pub(crate) Client<D>);

/// Writers wait here for each other.
const LOCK: &str = "SELECT version, stamp FROM auth_policy WHERE id = 1 FOR UPDATE";

#[async_trait]
impl<D: Driver> PolicySource for ServerPolicy<D> {
    async fn load(&self, known: Option<&Revision>) -> Result<Loaded, SourceError> {
        if let Some(known) = known {
            let found = self.0.read_one(&sql(VERSION)).await.map_err(SourceError::Store)?;
            if policy::is_known(found, known)? {
                return Ok(Loaded::Unchanged);
            }
        }
        self.0.policy().await.map_err(SourceError::Store)?.loaded()
    }
}

#[async_trait]
impl<D: Driver> PolicyStore for ServerPolicy<D> {
    async fn save(
        &self,
        expected: PolicyVersion,
        document: &PolicyDocument,
    ) -> Result<Saved, PolicyStoreError> {
        policy::check(expected, document.clone()).await?;
        Ok(self.0.save(expected, &Mark::new(document.version)?, &policy::written(document)?).await?)
    }

    async fn change(
        &self,
        expected: PolicyVersion,
        changes: &[PolicyChange],
    ) -> Result<Saved, PolicyStoreError> {
        policy::limit(changes)?;
        let found = match policy::changed(self.0.policy().await?, expected, changes).await? {
            Ok(found) => found,
            Err(conflict) => return Ok(conflict),
        };
        let made = changes.iter().map(made).collect::<Result<Vec<_>, _>>()?;
        Ok(self.0.make(&found, &Mark::new(expected.next())?, &made).await?)
    }
}

impl<D: Driver> Client<D> {
    async fn policy(&self) -> Result<Found, StoreError> {
        let mut work = self.work();
        repeated!(work: self.policy_once(&work))
    }

    async fn policy_once(&self, work: &Work) -> Result<Found, Failure> {
        let mut transaction = self.begin_reading(work).await?;
        let Some(mut reading) = Reading::begin(transaction.read_one(&sql(HEAD)).await?)? else {
            return transaction.roll_back(Found::Nothing).await;
        };
        for (text, read) in steps() {
            let statement = Statement { text: text.into(), values: vec![reading.limit().into()] };
            if reading.take(transaction.read(&statement).await?, read)?.is_err() {
                return transaction.roll_back(Found::TooLarge).await;
            }
        }
        transaction.roll_back(reading.end()).await
    }

    async fn save(
        &self,
        expected: PolicyVersion,
        mark: &Mark,
        written: &Written<'_>,
    ) -> Result<Saved, StoreError> {
        let mut work = self.work();
        repeated!(work: self.save_once(&work, expected, mark, written))
    }

    async fn save_once(
        &self,
        work: &Work,
        expected: PolicyVersion,
        mark: &Mark,
        written: &Written<'_>,
    ) -> Result<Saved, Failure> {
        let mut transaction = self.begin(work).await?;
        let found = locked(&mut transaction).await?;
        if found.version != expected {
            return transaction.roll_back(Saved::Conflict(found.version)).await;
        }
        for text in EMPTY {
            transaction.write(&sql(text)).await?;
        }
        for (text, cells, count) in written.tables.iter().flat_map(|rows| rows.batches()) {
            let added = transaction.write(&statement(text, cells)).await?;
            if usize::try_from(added) != Ok(count) {
                return Err(StoreError::not_written("a row of the policy is there already").into());
            }
        }
        let head = sql(SET_HEAD)
            .bind(to_column(mark.version.get()))
            .bind(&*mark.stamp)
            .bind(&*written.combining)
            .bind(written.acl_order.as_deref())
            .bind(written.attributes.as_deref());
        transaction.write(&head).await?;
        transaction.commit(Saved::Saved(mark.version)).await
    }

    async fn make(&self, expected: &Mark, mark: &Mark, made: &[Made<'_>]) -> Result<Saved, StoreError> {
        let mut work = self.work();
        repeated!(work: self.make_once(&work, expected, mark, made))
    }

    async fn make_once(
        &self,
        work: &Work,
        expected: &Mark,
        mark: &Mark,
        made: &[Made<'_>],
    ) -> Result<Saved, Failure> {
        let mut transaction = self.begin(work).await?;
        let found = locked(&mut transaction).await?;
        if found != *expected {
            return transaction.roll_back(Saved::Conflict(found.version)).await;
        }
        for Made { text, adds, cells } in made {
            let end = if *adds { D::DIALECT.or_nothing } else { "" };
            transaction.write(&statement(&format!("{text}{end}"), cells)).await?;
        }
        transaction.write(&sql(SET_VERSION).bind(to_column(mark.version.get())).bind(&*mark.stamp)).await?;
        transaction.commit(Saved::Saved(mark.version)).await
    }
}

/// The policy that is stored, which nobody else changes before the transaction ends.
async fn locked<D: Driver>(transaction: &mut Transaction<'_, D>) -> Result<Mark, Failure> {
    let row = transaction.read_one(&sql(LOCK)).await?.ok_or(StoreError::corrupt("version"))?;
    Ok(mark(&Fields(row))?)
}

fn statement<'q>(text: &'q str, cells: &'q [Cell<'_>]) -> Statement<'q> {
    let value = |cell: &'q Cell<'_>| match cell {
        Cell::Text(text) => Value::from(text.as_deref()),
        Cell::Number(number) => (*number).into(),
        Cell::Flag(flag) => (*flag).into(),
    };
    Statement { text: text.into(), values: cells.iter().map(value).collect() }
}
