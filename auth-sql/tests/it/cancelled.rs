//! Requests that are given up half-way.

use std::{future::poll_fn, pin::pin, task::Poll};

use auth_core::{
    AccountChange, AccountStatus, AccountStore, Assignment, AssignmentStore, AuthEpoch, CredentialStore,
    EndAll, EpochBump, RoleName, SessionLimit, SessionStore, TokenStore, Version, WhenReached,
};

use crate::support::{Folder, NOW, account, ann, owner, password, session, token};

/// Polls a future up to `polls` times and then drops it. Answers whether it had ended.
async fn cut<T>(polls: usize, call: impl Future<Output = T>) -> bool {
    let mut call = pin!(call);
    let mut left = polls;
    poll_fn(|context| {
        left = left.saturating_sub(1);
        match call.as_mut().poll(context) {
            Poll::Ready(_) => Poll::Ready(true),
            Poll::Pending if left == 0 => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// A client that hangs up drops the handler's future, wherever it is. A transaction that stayed open would
/// stop every later write; one that was half-way must not take half effect.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_call_happens_entirely_or_not_at_all_and_blocks_nobody() {
    let folder = Folder::new();
    let database = folder.open().await;
    let sessions = database.sessions();
    // Another process: it could not write if a transaction had stayed open.
    let other = folder.open().await.sessions();
    let limit = SessionLimit { max: 1, when_reached: WhenReached::EndOldest };
    let (mut cut_short, mut ended) = (0, 0);
    for polls in 1..60 {
        let principal = auth_core::PrincipalId::local_user(&format!("user-{polls}")).unwrap();
        let (first, second) = (session(&principal, 0), session(&principal, 0));
        let _ = other.insert(&first, None, NOW).await.unwrap();
        let done = cut(polls, sessions.insert(&second, Some(&limit), NOW)).await;
        *if done { &mut ended } else { &mut cut_short } += 1;
        // Whatever is still under way ends before this, in the order of the queue.
        assert!(!sessions.remove(&crate::support::session_id()).await.unwrap());
        let left = (alive(&other, &first).await, alive(&other, &second).await);
        assert!(left == (true, false) || left == (false, true), "after {polls} polls: {left:?}");
        assert!(!done || left.1);
    }
    assert!(cut_short > 0 && ended > 0, "{cut_short} cut short, {ended} ended");
}

async fn alive(sessions: &auth_sql::SqliteSessions, record: &auth_core::SessionRecord) -> bool {
    sessions.load(&record.id, NOW).await.unwrap().is_some()
}

/// The same for every call that writes more than one row.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_transaction_may_be_dropped() {
    let folder = Folder::new();
    let database = folder.open().await;
    let (sessions, tokens, accounts, roles) =
        (database.sessions(), database.tokens(), database.accounts(), database.assignments());
    let owner = owner(ann());
    let role = Assignment { principal: ann(), role: RoleName::from_static("admin") };
    for polls in 1..40 {
        let old = session(&ann(), 2 * polls - 1);
        let _ = sessions.insert(&old, None, NOW).await.unwrap();
        let what = EndAll { owner: &owner, except: None, epoch: AuthEpoch::new(2 * polls) };
        let polls = usize::try_from(polls).unwrap();
        if cut(polls, sessions.end_all(what, NOW)).await {
            assert!(sessions.load(&old.id, NOW).await.unwrap().is_none());
        }
        let (first, second) = (token(&[1, polls as u8], "ann"), token(&[2, polls as u8], "ann"));
        let _ = tokens.put(&first, NOW).await.unwrap();
        cut(polls, tokens.replace(&second, NOW)).await;
        let _ = tokens.claim(&token(&[3, polls as u8], "nobody").key, NOW, NOW).await.unwrap();
        let left = (
            tokens.take(&first.key, NOW).await.unwrap().is_some(),
            tokens.take(&second.key, NOW).await.unwrap().is_some(),
        );
        assert!(left == (true, false) || left == (false, true), "{left:?}");

        let done = cut(polls, accounts.create(&account(&ann()), &[password(&ann())])).await;
        let _ = accounts.consume(&nobodys_password(), Version::FIRST).await.unwrap();
        let found = accounts.by_id(&ann()).await.unwrap();
        assert!(!done || found.is_some());
        assert_eq!(found.is_some(), accounts.find(&password(&ann()).key).await.unwrap().is_some());
        if let Some(found) = found {
            let changes = [
                AccountChange::Status(AccountStatus::Disabled),
                AccountChange::RemoveCredential(password(&ann()).key),
            ];
            cut(polls, accounts.apply(&ann(), found.version, &changes, EpochBump::Bump)).await;
            assert!(accounts.remove(&ann()).await.unwrap());
        }
        let before = roles.version().await.unwrap();
        cut(polls, roles.grant(&role)).await;
        let granted = roles.revoke(&role).await.unwrap();
        let moved = roles.version().await.unwrap().get() - before.get();
        assert_eq!(moved, if granted { 2 } else { 0 });
    }
}

fn nobodys_password() -> auth_core::CredentialKey {
    let nobody = auth_core::PrincipalId::local_user("nobody").unwrap();
    auth_core::CredentialKey::only(&nobody, auth_core::CredentialKind::PASSWORD)
}
