//! Where revocations are kept, and what becomes of tokens until they are read.

use std::{
    pin::pin,
    sync::{Mutex, atomic::AtomicBool},
    task::{Context, Poll, Waker},
};

use async_trait::async_trait;
use auth_core::{AuthenticateError, Authenticator, StoreError, testing::FixedClock};
use auth_jwt::{AccessToken, BearerAuthenticator, LoadEach, RevocationRecord, RevocationStore};

use super::*;

/// A store in memory, which can be told to fail.
#[derive(Default)]
struct Rows {
    rows: Mutex<Vec<RevocationRecord>>,
    /// Fail after so many rows; 0 never.
    fails_after: AtomicUsize,
    refuses: AtomicBool,
    hangs: AtomicBool,
    /// Throw away what the list answers.
    is_deaf: AtomicBool,
}

#[async_trait]
impl RevocationStore for Rows {
    async fn put(&self, record: &RevocationRecord, _now: UnixTime) -> Result<(), StoreError> {
        if self.hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        if self.refuses.load(Ordering::SeqCst) {
            return Err(StoreError::timeout());
        }
        self.rows.lock().unwrap().push(record.clone());
        Ok(())
    }

    async fn load(&self, now: UnixTime, each: &mut LoadEach<'_>) -> Result<(), StoreError> {
        let rows = self.rows.lock().unwrap().clone();
        let fails_after = self.fails_after.load(Ordering::SeqCst);
        for (n, row) in rows.into_iter().filter(|row| row.ends_at > now).enumerate() {
            let answer = each(row);
            if !self.is_deaf.load(Ordering::SeqCst) {
                answer?;
            }
            if n + 1 == fails_after {
                return Err(StoreError::timeout());
            }
        }
        Ok(())
    }
}

fn list_of(rows: &Arc<Rows>) -> RevocationList {
    RevocationList::new(Arc::clone(rows) as Arc<dyn RevocationStore>, QUARTER, 100).unwrap()
}

/// Half a list would let the other half pass.
#[test]
fn a_list_that_was_loaded_in_part_accepts_nothing() {
    let rows = Arc::new(Rows::default());
    let before = list_of(&rows);
    for name in ["t0", "t1", "t2"] {
        revoke(&before, Revocation::token(issuer(), name, None));
    }
    let list = list_of(&rows);
    rows.fails_after.store(2, Ordering::SeqCst);
    for _ in 0..2 {
        assert!(matches!(block_on(list.load(NOW)), Err(StoreError::Timeout)));
        assert_eq!(check(&list, &token()), Err(VerifyError::RevocationsUnavailable));
    }
    rows.fails_after.store(0, Ordering::SeqCst);
    block_on(list.load(NOW)).unwrap();
    assert_eq!(check(&list, &token()), Err(VerifyError::Revoked));
    assert_eq!(check(&list, &sign(HEADER, payload_but("jti", r#""jti":"t3""#))), Ok(()));
    // A list that is loaded stays so: what it knows is all true.
    rows.fails_after.store(1, Ordering::SeqCst);
    assert!(block_on(list.load(NOW)).is_err());
    assert_eq!(check(&list, &token()), Err(VerifyError::Revoked));
}

/// A restart must not bring back what was revoked, nor shorten or lengthen it.
#[test]
fn what_was_revoked_survives_a_restart() {
    let rows = Arc::new(Rows::default());
    let list = list_of(&rows);
    revoke(&list, Revocation::token(issuer(), "t1", Some(UnixTime::from_secs(1_800_000_900))));
    revoke(&list, Revocation::session(issuer(), "s1"));
    revoke(&list, Revocation::subject(issuer(), "42", NOW));
    let until = NOW.as_secs();
    for (name, token) in [
        ("jti", sign(HEADER, payload_but("sub", r#""sub":"7""#))),
        ("sid", sign(HEADER, payload_but("jti", r#""jti":"t7","sid":"s1""#).replace(r#""42""#, r#""7""#))),
        ("sub", sign(HEADER, payload_but("jti", r#""jti":"t7""#))),
    ] {
        let restarted = list_of(&rows);
        block_on(restarted.load(NOW)).unwrap();
        assert_eq!(check(&restarted, &token), Err(VerifyError::Revoked), "{name}");
    }
    let later = payload_but("jti", r#""jti":"t7""#).replace(r#""iat":1800000000"#, r#""iat":1800000001"#);
    let later = sign(HEADER, later);
    let restarted = list_of(&rows);
    block_on(restarted.load(NOW)).unwrap();
    assert_eq!(check(&restarted, &later), Ok(()), "the moment of a subject is the same");
    // Each has its own end: `exp` and the longest leeway; twice that where the issuer's clock counts.
    let ends: Vec<_> = rows.rows.lock().unwrap().iter().map(|row| row.ends_at.as_secs() - until).collect();
    assert_eq!(ends, [900 + 300, 900 + 600, 900 + 300]);
    for (secs, left) in [(1_199, 3), (1_200, 1), (1_500, 0)] {
        let late = list_of(&rows);
        block_on(late.load(UnixTime::from_secs(until + secs))).unwrap();
        assert_eq!(late.len(), left, "{secs}");
    }
}

/// Loading takes time, and people log out meanwhile.
#[test]
fn what_is_revoked_before_or_while_loading_is_not_lost() {
    struct Interrupted(Rows, Mutex<Option<RevocationList>>);

    #[async_trait]
    impl RevocationStore for Interrupted {
        async fn put(&self, record: &RevocationRecord, now: UnixTime) -> Result<(), StoreError> {
            self.0.put(record, now).await
        }

        async fn load(&self, now: UnixTime, each: &mut LoadEach<'_>) -> Result<(), StoreError> {
            self.0.load(now, each).await?;
            let list = self.1.lock().unwrap().take().unwrap();
            list.revoke(&Revocation::token(issuer(), "t2", None).unwrap(), now).await
        }
    }

    let store = Arc::new(Interrupted(Rows::default(), Mutex::default()));
    let list = RevocationList::new(Arc::clone(&store) as Arc<dyn RevocationStore>, QUARTER, 100).unwrap();
    store.1.lock().unwrap().replace(list.clone());
    revoke(&list, Revocation::token(issuer(), "t1", None));
    assert!(!list.is_loaded());
    block_on(list.load(NOW)).unwrap();
    assert_eq!(check(&list, &token()), Err(VerifyError::Revoked));
    assert_eq!(check(&list, &sign(HEADER, payload_but("jti", r#""jti":"t2""#))), Err(VerifyError::Revoked));
}

/// A live revocation is never pushed out, and a full list is no reason to write what it will not refuse.
#[test]
fn a_full_list_says_so_and_forgets_nothing() {
    let rows = Arc::new(Rows::default());
    let list = list_of(&rows);
    block_on(list.load(NOW)).unwrap();
    for n in 0..100 {
        revoke(&list, Revocation::token(issuer(), &format!("t{n}"), None));
    }
    let more = Revocation::session(issuer(), "s1").unwrap();
    assert!(matches!(block_on(list.revoke(&more, NOW)), Err(StoreError::Full)));
    assert_eq!((list.len(), list.capacity(), rows.rows.lock().unwrap().len()), (100, 100, 100));
    assert_eq!(check(&list, &token()), Err(VerifyError::Revoked));
    // Revoking once more what is revoked needs no room.
    revoke(&list, Revocation::token(issuer(), "t1", None));
    // When their tokens have expired, they make room.
    let later = NOW.saturating_add(Duration::from_secs(1_500));
    assert!(matches!(
        block_on(list.revoke(&more, UnixTime::from_secs(later.as_secs() - 1))),
        Err(StoreError::Full)
    ));
    block_on(list.revoke(&more, later)).unwrap();
    assert_eq!(list.len(), 1);
}

/// A store that holds more than there is room for, and that does not care what it is answered.
#[test]
fn a_store_that_does_not_fit_is_not_loaded() {
    let rows = Arc::new(Rows::default());
    let big = RevocationList::new(Arc::clone(&rows) as Arc<dyn RevocationStore>, QUARTER, 200).unwrap();
    for n in 0..101 {
        revoke(&big, Revocation::token(issuer(), &format!("t{n}"), None));
    }
    let list = list_of(&rows);
    for is_deaf in [false, true] {
        rows.is_deaf.store(is_deaf, Ordering::SeqCst);
        assert!(matches!(block_on(list.load(NOW)), Err(StoreError::Full)));
        assert_eq!(check(&list, &token()), Err(VerifyError::RevocationsUnavailable));
    }
}

/// Whoever logs out must be out, whatever becomes of the store or of the request that asked for it.
#[test]
fn a_revocation_counts_before_it_is_written() {
    let rows = Arc::new(Rows::default());
    let list = list_of(&rows);
    block_on(list.load(NOW)).unwrap();
    let this = Revocation::token(issuer(), "t1", None).unwrap();
    rows.refuses.store(true, Ordering::SeqCst);
    assert!(matches!(block_on(list.revoke(&this, NOW)), Err(StoreError::Timeout)));
    assert_eq!(check(&list, &token()), Err(VerifyError::Revoked));

    let list = list_of(&rows);
    block_on(list.load(NOW)).unwrap();
    rows.hangs.store(true, Ordering::SeqCst);
    {
        let mut future = pin!(list.revoke(&this, NOW));
        let answer = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(answer, Poll::Pending));
    }
    assert_eq!(check(&list, &token()), Err(VerifyError::Revoked));
}

/// What no token can be refused by any more need not be remembered.
#[test]
fn a_revocation_that_refuses_nothing_takes_no_room() {
    let rows = Arc::new(Rows::default());
    let list = list_of(&rows);
    let past = |secs: u64| UnixTime::from_secs(NOW.as_secs() - secs);
    revoke(&list, Revocation::token(issuer(), "t1", Some(past(300))));
    revoke(&list, Revocation::subject(issuer(), "42", past(1_200)));
    assert!(list.is_empty() && rows.rows.lock().unwrap().is_empty());
    revoke(&list, Revocation::token(issuer(), "t1", Some(past(299))));
    revoke(&list, Revocation::subject(issuer(), "42", past(1_199)));
    assert_eq!((list.len(), rows.rows.lock().unwrap().len()), (2, 2));
    // A moment at the end of time refuses the subject for good, and overflows nothing.
    revoke(&list, Revocation::subject(issuer(), "7", UnixTime::MAX));
    block_on(list.load(NOW)).unwrap();
    let seven = sign(HEADER, payload_but("sub", r#""sub":"7""#));
    assert_eq!(check(&list, &seven), Err(VerifyError::Revoked));
}

/// What is down is 503, never a 401 and never a 200.
#[test]
fn a_list_that_is_not_loaded_accepts_nothing() {
    let rows = Arc::new(Rows::default());
    let list = list_of(&rows);
    assert!(!list.is_loaded());
    // Also this is said only of tokens that are good in every other respect.
    let forged = sign_segments(&base64(HEADER), &base64(payload()), &[1; 32]);
    assert_eq!(check(&list, &forged), Err(VerifyError::Signature));
    assert!(lax(&list).verify::<()>(&token(), UnixTime::from_secs(1_800_000_930)).unwrap_err().is_expired());
    let refused = check(&list, &token()).unwrap_err();
    assert_eq!((&refused, refused.rejection_reason()), (&VerifyError::RevocationsUnavailable, None));
    assert_eq!(Refusal::from(refused).status(), 503);
    let bearer = BearerAuthenticator::new(lax(&list)).with_clock(Arc::new(FixedClock(NOW)));
    let present = || block_on(bearer.authenticate(AccessToken::new(token())));
    assert!(matches!(present(), Err(AuthenticateError::Unavailable(_))));

    block_on(list.load(NOW)).unwrap();
    assert!(list.is_loaded() && present().is_ok());
    revoke(&list, Revocation::token(issuer(), "t1", None));
    let Err(AuthenticateError::Rejected(rejection)) = present() else { panic!("not rejected") };
    assert_eq!(rejection.reason(), RejectionReason::Revoked);
}
