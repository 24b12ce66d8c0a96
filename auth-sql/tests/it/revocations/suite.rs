//! What revocations are for, on whatever store: a token that was revoked is refused. The tests on servers use this file too.

use std::{sync::Arc, time::Duration};

use auth_core::{
    AuthEpoch, Authentication, Login, Method, PrincipalId, Refusal, StoreError, SystemEntropy, UnixTime,
};
use auth_jwt::{
    Audience, Claims, ClientId, Es256SigningKey, Issuer, Revocation, RevocationList, RevocationRecord,
    RevocationStore, TokenIssuer, TokenPolicy, Verified, Verifier, VerifyError,
};

use tokio::{runtime::Handle, task::block_in_place};

use crate::support::{NOW, after};

/// A call that a test hands over.
pub(crate) type BoxFuture = std::pin::Pin<Box<dyn Future<Output = ()>>>;

/// How long tokens live here.
const QUARTER: Duration = Duration::from_secs(900);

pub(crate) fn issuer() -> Issuer {
    Issuer::new("https://id.example").unwrap()
}

pub(crate) fn session(name: &str, ends_at: UnixTime) -> RevocationRecord {
    RevocationRecord { revocation: Revocation::session(issuer(), name).unwrap(), ends_at }
}

pub(crate) fn subject(name: &str, date: u64, ends_at: u64) -> RevocationRecord {
    let revocation = Revocation::subject(issuer(), name, after(date)).unwrap();
    RevocationRecord { revocation, ends_at: after(ends_at) }
}

pub(crate) async fn load(
    store: &dyn RevocationStore,
    now: UnixTime,
) -> Result<Vec<RevocationRecord>, StoreError> {
    let mut found = Vec::new();
    let mut each = |record| {
        found.push(record);
        Ok(())
    };
    store.load(now, &mut each).await?;
    Ok(found)
}

/// One who issues tokens, and verifies them by a list of what is in a store.
pub(crate) struct Service {
    tokens: TokenIssuer,
    verifier: Verifier,
}

impl Service {
    pub(crate) fn new() -> Self {
        let key = Es256SigningKey::generate(&SystemEntropy).unwrap();
        let (public, audience) = (key.verifying_key(), Audience::new("https://api.example").unwrap());
        let client = ClientId::new("web").unwrap();
        Self {
            tokens: TokenIssuer::new(key, issuer(), audience.clone(), client),
            verifier: Verifier::new(public, TokenPolicy::access_token(issuer(), audience)),
        }
    }

    /// A token for somebody.
    pub(crate) fn token(&self, subject: &str) -> String {
        let principal = PrincipalId::local_user(subject).unwrap();
        let login = Login::assertion(Authentication::new(principal, Method::PASSWORD, NOW, AuthEpoch::ZERO));
        self.tokens.for_login(&login).sign(NOW).unwrap().token().expose().to_owned()
    }

    pub(crate) fn claims(&self, token: &str) -> Claims {
        let verified: Verified = self.verifier.verify(token, NOW).unwrap();
        verified.claims().clone()
    }

    pub(crate) fn check(&self, list: &RevocationList, token: &str) -> Result<(), VerifyError> {
        let verifier = self.verifier.clone().with_revocations(Arc::new(list.clone()));
        verifier.verify::<()>(token, NOW).map(drop)
    }

    /// Whatever was revoked, nobody gets in, and is told that it is not the token's fault.
    pub(crate) fn assert_unavailable(&self, list: &RevocationList) {
        assert!(!list.is_loaded());
        let refused = self.check(list, &self.token("nobody")).unwrap_err();
        assert_eq!(refused, VerifyError::RevocationsUnavailable);
        assert_eq!(Refusal::from(refused).status(), 503);
    }
}

pub(crate) fn list(store: &Arc<dyn RevocationStore>) -> RevocationList {
    RevocationList::new(Arc::clone(store), QUARTER, 10_000).unwrap()
}

/// A token, a subject, and one whom nobody revoked: `open` begins anew with what the database has.
pub(crate) async fn what_was_revoked_is_refused_after_a_restart(
    store: Arc<dyn RevocationStore>,
    open: impl AsyncFnOnce() -> Arc<dyn RevocationStore>,
) {
    let service = Service::new();
    let [token, other, subject, free] = ["42", "42", "43", "44"].map(|whose| service.token(whose));
    let before = list(&store);
    before.load(NOW).await.unwrap();
    for revocation in [
        Revocation::of_token(&service.claims(&token)).unwrap(),
        Revocation::subject(issuer(), "43", NOW).unwrap(),
    ] {
        before.revoke(&revocation, NOW).await.unwrap();
    }
    drop((before, store));

    let store = open().await;
    let restarted = list(&store);
    service.assert_unavailable(&restarted);
    restarted.load(NOW).await.unwrap();
    for revoked in [&token, &subject] {
        assert_eq!(service.check(&restarted, revoked), Err(VerifyError::Revoked));
    }
    for good in [&other, &free] {
        assert_eq!(service.check(&restarted, good), Ok(()));
    }
    // For as long as a token of then could be accepted, and not for ever.
    assert_eq!(load(&*store, after(1_199)).await.unwrap().len(), 2);
    assert_eq!(load(&*store, after(1_200)).await.unwrap(), []);
}

/// Two handles share no connection, as two processes do not. Were the earlier moment to stay, tokens from between would be
/// accepted again.
pub(crate) async fn of_two_handles_the_later_date_stays(
    one: Arc<dyn RevocationStore>,
    other: Arc<dyn RevocationStore>,
) {
    let mut wanted = Vec::new();
    for round in 0..40_u64 {
        let name = format!("s{round}");
        let put = |store: &Arc<dyn RevocationStore>, date, end| {
            let (store, record) = (Arc::clone(store), subject(&name, date, end));
            tokio::spawn(async move { store.put(&record, NOW).await.unwrap() })
        };
        // Each is the later one in its turn, and in half of the rounds they meet at a row that is there.
        let dates = if round % 2 == 0 { [10, 20] } else { [20, 10] };
        if round % 4 < 2 {
            put(&one, 5, 100).await.unwrap();
        }
        let both = [put(&one, dates[0], 200), put(&other, dates[1], 300)];
        for done in both {
            done.await.unwrap();
        }
        wanted.push(subject(&name, 20, 300));
    }
    let mut found = load(&*one, NOW).await.unwrap();
    for list in [&mut found, &mut wanted] {
        list.sort_by(|a, b| a.revocation.name().cmp(b.revocation.name()));
    }
    assert_eq!(found, wanted);
}

/// More rows than a page has, every other of which is gone as soon as the first one was read: at an offset, rows that stay
/// would not be seen.
pub(crate) async fn rows_that_leave_while_a_list_is_read_hide_no_others(
    store: Arc<dyn RevocationStore>,
    forget_ended: impl FnOnce(UnixTime) -> BoxFuture + Send,
) {
    const STAY: usize = 700;
    for n in 0..STAY {
        store.put(&session(&format!("stays {n}"), after(1_000)), NOW).await.unwrap();
        store.put(&session(&format!("leaves {n}"), after(10)), NOW).await.unwrap();
    }
    let (mut found, mut forget_ended) = (0, Some(forget_ended));
    let mut each = |record: RevocationRecord| {
        found += usize::from(record.ends_at == after(1_000));
        if let Some(forget) = forget_ended.take() {
            block_in_place(|| Handle::current().block_on(forget(after(10))));
        }
        Ok(())
    };
    store.load(NOW, &mut each).await.unwrap();
    assert_eq!(found, STAY);
    assert_eq!(load(&*store, NOW).await.unwrap().len(), STAY);
}

/// A revocation of whoever damaged it must not be passed over: no list is loaded, and so no token accepted.
pub(crate) async fn a_damaged_revocation_is_an_error_that_names_the_column(
    store: &Arc<dyn RevocationStore>,
    column: &str,
    damage: &str,
) {
    let service = Service::new();
    let list = list(store);
    let loaded = list.load(NOW).await;
    assert!(matches!(loaded, Err(StoreError::Corrupt(found)) if found == column), "{damage}: {loaded:?}");
    service.assert_unavailable(&list);
}
