//! Showing an account its credentials.

use super::CredentialBench;
use crate::{
    Account, CredentialKey, CredentialKind, CredentialRecord, Page,
    conformance::{
        accounts::sample::{account, account_of, api_key, create, expect_same, password},
        check::{Verdict, Wrong, expect, page_by_page},
        sample::{at, near_namesakes},
    },
};

/// Credentials with ties in time, in no order.
fn unordered(owner: &Account) -> Result<Vec<CredentialRecord>, Wrong> {
    let rows: [(u64, &'static str, &[u8]); 9] = [
        (20, "b", b"x"),
        (10, "z", b"z"),
        (20, "a", b"y"),
        (20, "a", b"x"),
        (0, "q", b"q"),
        (20, "b", b"\xff"),
        (20, "b", b"\x00"),
        (20, "b", b"xx"),
        (30, "a", b"a"),
    ];
    rows.into_iter()
        .map(|(secs, kind, lookup)| {
            let key = CredentialKey {
                realm: owner.id.realm().clone(),
                kind: CredentialKind::from_static(kind),
                lookup: lookup.into(),
            };
            Ok(CredentialRecord { key, created_at: at(secs), ..password(owner)? })
        })
        .collect()
}

pub(super) async fn a_list_has_the_oldest_first_and_ties_by_key(bench: &CredentialBench<'_>) -> Verdict {
    let (pair, ann) = (&bench.store, account("ann")?);
    let mut wanted = unordered(&ann)?;
    create(pair, &ann, &wanted).await?;
    // Kind, then lookup byte by byte: the realm is the owner's.
    wanted.sort_by(|a, b| {
        (a.created_at, a.key.kind.as_str(), &a.key.lookup).cmp(&(
            b.created_at,
            b.key.kind.as_str(),
            &b.key.lookup,
        ))
    });
    let listed = pair.credentials.list(&ann.id, Page::first()).await?;
    expect("how many are listed", listed.len(), wanted.len())?;
    for (found, wanted) in listed.iter().zip(&wanted) {
        expect_same(found, wanted)?;
    }
    Ok(())
}

pub(super) async fn a_list_is_cut_into_pages(bench: &CredentialBench<'_>) -> Verdict {
    let (pair, ann) = (&bench.store, account("ann")?);
    create(pair, &ann, &unordered(&ann)?).await?;
    let whole = pair.credentials.list(&ann.id, Page::first()).await?;
    expect("the whole list", whole.len(), 9)?;
    for size in [1, 2, 4, 9, 10] {
        let found = page_by_page(size, whole.len(), |page| pair.credentials.list(&ann.id, page)).await?;
        expect("the pages together", &found, &whole)?;
    }
    Ok(())
}

pub(super) async fn a_list_has_the_credentials_of_its_owner_only(bench: &CredentialBench<'_>) -> Verdict {
    let pair = &bench.store;
    let mut owners = vec![account("ann")?];
    for (n, id) in (0_u8..).zip(near_namesakes()?) {
        owners.push(account_of(id, &format!("user{n}"))?);
    }
    for (n, owner) in (0_u8..).zip(&owners) {
        create(pair, owner, &[api_key(owner, &[n])?]).await?;
    }
    for (n, owner) in (0_u8..).zip(&owners) {
        let listed = pair.credentials.list(&owner.id, Page::first()).await?;
        expect("listed", listed, vec![api_key(owner, &[n])?])?;
    }
    expect("of nobody", pair.credentials.list(&account("nobody")?.id, Page::first()).await?, Vec::new())
}
