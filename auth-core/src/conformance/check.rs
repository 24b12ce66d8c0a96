//! What a check is made of: a bench to work at, and a verdict that explains itself.

use std::{error::Error, fmt::Debug, panic::Location, pin::Pin, sync::Arc};

use super::{race::Race, report::Report};
use crate::{Page, StoreError};

/// What a check found wrong.
#[derive(Debug)]
pub(super) struct Wrong(String);

pub(super) type Verdict = Result<(), Wrong>;

impl Wrong {
    #[track_caller]
    pub(super) fn new(why: &str) -> Self {
        Self(format!("{why} (at {})", Location::caller()))
    }
}

/// Any error ends a check: in the suites, nothing is expected to fail.
impl<E: Error> From<E> for Wrong {
    #[track_caller]
    fn from(error: E) -> Self {
        let mut why = format!("failed: {error}");
        let mut source = error.source();
        while let Some(cause) = source {
            why.push_str(": ");
            why.push_str(&cause.to_string());
            source = cause.source();
        }
        Self::new(&why)
    }
}

/// `found` must be `wanted`.
#[track_caller]
pub(super) fn expect<T: PartialEq + Debug>(what: &str, found: T, wanted: T) -> Verdict {
    if found == wanted {
        return Ok(());
    }
    Err(Wrong::new(&format!("{what}: found {found:?}, wanted {wanted:?}")))
}

/// What `what` says must hold.
#[track_caller]
pub(super) fn ensure(holds: bool, what: &str) -> Verdict {
    if holds { Ok(()) } else { Err(Wrong::new(&format!("does not hold: {what}"))) }
}

/// There must be something.
#[track_caller]
pub(super) fn present<T>(what: &str, found: Option<T>) -> Result<T, Wrong> {
    found.ok_or_else(|| Wrong::new(&format!("{what} is missing")))
}

/// A whole list of at most `most` rows, read in pages of `size`.
pub(super) async fn page_by_page<T, Fut>(
    size: u32,
    most: usize,
    list: impl Fn(Page) -> Fut,
) -> Result<Vec<T>, Wrong>
where
    Fut: Future<Output = Result<Vec<T>, StoreError>>,
{
    let mut page = Page::new(0, size);
    let mut found = Vec::new();
    loop {
        let rows = list(page).await?;
        ensure(rows.len() <= usize::try_from(size)?, "a page has no more than its size")?;
        if rows.is_empty() {
            return Ok(found);
        }
        found.extend(rows);
        ensure(found.len() <= most, "the pages come to an end")?;
        page = page.next();
    }
}

/// Purges three at a time until nothing is left to forget, which must be `all`.
pub(super) async fn purge_by_threes<Fut>(all: u64, purge: impl Fn(u32) -> Fut) -> Verdict
where
    Fut: Future<Output = Result<u64, StoreError>>,
{
    let mut forgotten = 0_u64;
    loop {
        let purged = purge(3).await?;
        ensure(purged <= 3, "at most as many as the limit says")?;
        if purged == 0 {
            return expect("forgotten together", forgotten, all);
        }
        forgotten = forgotten.saturating_add(purged);
        ensure(forgotten <= all, "no more than there were")?;
    }
}

/// A fresh, empty store, and the way in which calls are raced.
pub(super) struct Bench<'a, S: ?Sized> {
    pub(super) store: Arc<S>,
    pub(super) race: &'a dyn Race,
}

/// One property.
pub(super) struct Check<S: ?Sized> {
    pub(super) name: &'static str,
    pub(super) run: Run<S>,
}

type Run<S> = for<'a> fn(&'a Bench<'a, S>) -> Pin<Box<dyn Future<Output = Verdict> + Send + 'a>>;

/// The table of a suite's checks, each named by its function.
macro_rules! checks {
    ($store:ty: $($module:ident { $($check:ident),* $(,)? })*) => {
        const CHECKS: &[crate::conformance::check::Check<$store>] = &[$($(
            crate::conformance::check::Check {
                name: stringify!($check),
                run: |bench| Box::pin($module::$check(bench)),
            },
        )*)*];
    };
}
pub(super) use checks;

/// Runs every check, each against a store of its own.
pub(super) async fn run<S: ?Sized, Fut: Future<Output = Arc<S>>>(
    suite: &'static str,
    checks: &[Check<S>],
    fresh: impl Fn() -> Fut,
    race: &dyn Race,
) -> Report {
    let mut report = Report::new(suite);
    for check in checks {
        let bench = Bench { store: fresh().await, race };
        report.note(check.name, (check.run)(&bench).await.map_err(|Wrong(why)| why));
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_was_found_and_where() {
        let why = expect("the answer", 41, 42).unwrap_err().0;
        assert!(why.contains("the answer: found 41, wanted 42"), "{why}");
        assert!(why.contains("check.rs"), "{why}");
    }

    /// Line numbers must survive `?`, or a store's error could come from anywhere.
    #[test]
    fn an_error_of_the_store_tells_its_causes_and_its_line() {
        fn fails() -> Verdict {
            Err(StoreError::not_written("disk on fire"))?
        }
        let why = fails().unwrap_err().0;
        assert!(why.contains("store did nothing: disk on fire"), "{why}");
        assert!(why.contains("check.rs"), "{why}");
    }
}
