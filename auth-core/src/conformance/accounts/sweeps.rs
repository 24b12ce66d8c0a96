//! What a restarted server has to make good.

use super::{
    AccountBench,
    sample::{account, account_of, applied, create},
};
use crate::{
    Account, AccountChange, EpochBump, Page,
    conformance::{
        check::{Verdict, expect, page_by_page},
        sample::near_namesakes,
    },
};

pub(super) async fn pending_sweeps_are_listed_until_they_are_done(bench: &AccountBench<'_>) -> Verdict {
    let pair = &bench.store;
    let mut wanted = Vec::new();
    for (n, id) in (0..).zip(near_namesakes()?) {
        let account = account_of(id, &format!("user{n}"))?;
        create(pair, &account, &[]).await?;
        let answer = pair.accounts.apply(&account.id, account.version, &[], EpochBump::Bump).await?;
        wanted.push(applied(answer)?);
    }
    let begun_pending = Account { sweep_pending: true, ..account("begun")? };
    create(pair, &begun_pending, &[]).await?;
    wanted.push(begun_pending);
    create(pair, &account("idle")?, &[]).await?;
    let removed = Account { sweep_pending: true, ..account("removed")? };
    create(pair, &removed, &[]).await?;
    expect("removing", pair.accounts.remove(&removed.id).await?, true)?;
    while !wanted.is_empty() {
        let listed = pair.accounts.sweeps_pending(Page::first()).await?;
        expect("pending", sorted(listed), sorted(wanted.clone()))?;
        if let Some(swept) = wanted.pop() {
            let done = [AccountChange::SweepDone];
            let answer = pair.accounts.apply(&swept.id, swept.version, &done, EpochBump::Keep).await?;
            applied(answer)?;
        }
    }
    expect("pending at last", pair.accounts.sweeps_pending(Page::first()).await?, Vec::new())
}

fn sorted(mut accounts: Vec<Account>) -> Vec<Account> {
    accounts.sort_by(|a, b| a.id.cmp(&b.id));
    accounts
}

/// In a stable order: the pages together have each account once.
pub(super) async fn pending_sweeps_are_cut_into_pages(bench: &AccountBench<'_>) -> Verdict {
    let pair = &bench.store;
    for n in [5, 2, 9, 0, 7, 1, 8, 3, 6, 4, 10] {
        create(pair, &Account { sweep_pending: true, ..account(&format!("user{n}"))? }, &[]).await?;
        create(pair, &account(&format!("idle{n}"))?, &[]).await?;
    }
    let whole = pair.accounts.sweeps_pending(Page::first()).await?;
    expect("the whole list", whole.len(), 11)?;
    expect("the whole list again", pair.accounts.sweeps_pending(Page::first()).await?, whole.clone())?;
    for size in [1, 3, 4, 11, 12] {
        let found = page_by_page(size, whole.len(), |page| pair.accounts.sweeps_pending(page)).await?;
        expect("the pages together", &found, &whole)?;
    }
    Ok(())
}
