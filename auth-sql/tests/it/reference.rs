//! Random histories, answered by SQLite as by the contract in its plainest form.

use std::time::Duration;

use auth_core::{
    Account, AccountChange, AccountStatus, AccountStore, Assignment, AssignmentStore, AuthEpoch, CounterKey,
    CounterStore, CredentialBlob, CredentialKey, CredentialKind, CredentialRecord, CredentialStore, EndAll,
    EpochBump, LoginName, Page, PrincipalId, PrincipalKind, Purpose, Realm, RoleName, SecretHash,
    SessionBlob, SessionId, SessionLimit, SessionStore, TokenKey, TokenRecord, TokenStore, TokenSubject,
    UnixTime, Version, WhenReached, Window,
    conformance::reference::{
        ReferenceAccounts, ReferenceAssignments, ReferenceCounters, ReferenceSessions, ReferenceTokens,
    },
};
use auth_sql::Sqlite;

use crate::support::{PURPOSE, after, owner, session, token};

const SEEDS: u64 = 6;
const STEPS: u32 = 600;

/// A history's dice (xorshift64): the seed and the step of a failure repeat it.
struct Dice {
    state: u64,
    seed: u64,
}

impl Dice {
    fn new(seed: u64) -> Self {
        Self { state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15), seed }
    }

    /// A number below `sides`.
    fn roll(&mut self, sides: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state % sides
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.roll(from.len() as u64)).unwrap()].clone()
    }

    fn time(&mut self, span: u64) -> UnixTime {
        after(self.roll(span))
    }

    fn byte(&mut self, sides: u64) -> u8 {
        u8::try_from(self.roll(sides)).unwrap()
    }

    /// One of eight whose names differ little.
    fn principal(&mut self) -> PrincipalId {
        let realm = self.pick(&[Realm::LOCAL, Realm::local("DEFAULT").unwrap()]);
        let kind = self.pick(&[PrincipalKind::User, PrincipalKind::Device]);
        PrincipalId::new(realm, kind, self.pick(&["a", "A"])).unwrap()
    }
}

/// Both must answer the same. The arguments are evaluated twice, so they roll no dice.
macro_rules! same {
    ($dice:ident, $step:ident: $store:ident, $reference:ident, $trait:ident::$call:ident($($arg:expr),*)) => {
        assert_eq!(
            $trait::$call(&$store, $($arg),*).await.unwrap(),
            $trait::$call(&$reference, $($arg),*).await.unwrap(),
            "{} at step {} of seed {}", stringify!($call), $step, $dice.seed
        )
    };
}

#[tokio::test]
async fn sessions_answer_as_the_reference_does() {
    for seed in 1..=SEEDS {
        let (mut dice, reference) = (Dice::new(seed), ReferenceSessions::default());
        let store = Sqlite::in_memory().await.unwrap().sessions();
        for step in 0..STEPS {
            let (principal, now) = (dice.principal(), dice.time(40));
            let (who, epoch) = (owner(principal.clone()), dice.roll(4));
            let mut record = session(&principal, epoch);
            record.id = SessionId::from_bytes([dice.byte(12); 24]);
            record.created_at = dice.time(3);
            (record.idle_until, record.absolute_until) = (dice.time(40), dice.time(60));
            let (id, expected) = (record.id, Version::new(1 + dice.roll(3)));
            match dice.roll(10) {
                0..3 => {
                    let when_reached = dice.pick(&[WhenReached::Refuse, WhenReached::EndOldest]);
                    let limit = SessionLimit { max: dice.byte(4).into(), when_reached };
                    let limit = dice.pick(&[None, Some(&limit)]);
                    same!(dice, step: store, reference, SessionStore::insert(&record, limit, now));
                }
                3 => {
                    let data = SessionBlob::empty().with_slot("s", 1, &[dice.byte(9)]).unwrap();
                    same!(dice, step: store, reference, SessionStore::update(&id, expected, &data));
                }
                4 => same!(dice, step: store, reference, SessionStore::touch(&id, record.idle_until, now)),
                5 => {
                    let next = record.secret.rotated(SecretHash::of(&[dice.byte(9)]), now);
                    same!(dice, step: store, reference, SessionStore::rotate(&id, expected, &next));
                }
                6 => same!(dice, step: store, reference, SessionStore::remove(&id)),
                7 => same!(dice, step: store, reference, SessionStore::purge(now, 1_000)),
                8 => {
                    let except = dice.pick(&[None, Some(&id)]);
                    let what = EndAll { owner: &who, except, epoch: AuthEpoch::new(epoch) };
                    same!(dice, step: store, reference, SessionStore::end_all(what, now));
                }
                _ => same!(dice, step: store, reference, SessionStore::load(&id, now)),
            }
            same!(dice, step: store, reference, SessionStore::list(&who, Page::first(), now));
        }
    }
}

#[tokio::test]
async fn tokens_answer_as_the_reference_does() {
    for seed in 1..=SEEDS {
        let (mut dice, reference) = (Dice::new(seed), ReferenceTokens::default());
        let store = Sqlite::in_memory().await.unwrap().tokens();
        for step in 0..STEPS {
            let now = dice.time(20);
            let key = TokenKey {
                realm: dice.principal().realm().clone(),
                purpose: dice.pick(&[PURPOSE, Purpose::new("other")]),
                hash: SecretHash::of(&[dice.byte(4)]),
            };
            let subject = TokenSubject::parse(dice.pick(&["s", "S", "t"])).unwrap();
            let fresh = token(b"", "any");
            let token = TokenRecord { key: key.clone(), subject, expires_at: dice.time(20), ..fresh };
            match dice.roll(7) {
                0 => same!(dice, step: store, reference, TokenStore::put(&token, now)),
                1 => same!(dice, step: store, reference, TokenStore::replace(&token, now)),
                2 => same!(dice, step: store, reference, TokenStore::take(&key, now)),
                3 => same!(dice, step: store, reference, TokenStore::peek(&key, now)),
                4 => same!(dice, step: store, reference, TokenStore::claim(&key, token.expires_at, now)),
                5 => same!(dice, step: store, reference,
                    TokenStore::revoke(&key.realm, key.purpose, &token.subject, now)),
                _ => same!(dice, step: store, reference, TokenStore::purge(now, 1_000)),
            }
        }
    }
}

#[tokio::test]
async fn counters_answer_as_the_reference_does() {
    for seed in 1..=SEEDS {
        let (mut dice, reference) = (Dice::new(seed), ReferenceCounters::default());
        let store = Sqlite::in_memory().await.unwrap().counters();
        for step in 0..STEPS {
            // Not in order: another process's clock may be ahead.
            let now = dice.time(300);
            let key = CounterKey::new(&Realm::LOCAL, PURPOSE, &[&[dice.byte(2)]]);
            let window = Window::new(Duration::from_secs(dice.pick(&[8, 64])));
            match dice.roll(12) {
                0 => same!(dice, step: store, reference, CounterStore::reset(&key, window)),
                1 => same!(dice, step: store, reference, CounterStore::purge(now, 1_000)),
                _ => {
                    let n = dice.pick(&[0, 1, 5, u32::MAX]);
                    same!(dice, step: store, reference, CounterStore::add(&key, n, window, now));
                }
            }
        }
    }
}

#[tokio::test]
async fn assignments_answer_as_the_reference_does() {
    for seed in 1..=SEEDS {
        let (mut dice, reference) = (Dice::new(seed), ReferenceAssignments::default());
        let store = Sqlite::in_memory().await.unwrap().assignments();
        for step in 0..STEPS {
            let role = RoleName::parse(dice.pick(&["z", "A", "b"])).unwrap();
            let assignment = Assignment { principal: dice.principal(), role };
            match dice.roll(2) {
                0 => same!(dice, step: store, reference, AssignmentStore::grant(&assignment)),
                _ => same!(dice, step: store, reference, AssignmentStore::revoke(&assignment)),
            }
            same!(dice, step: store, reference, AssignmentStore::version());
            same!(dice, step: store, reference, AssignmentStore::roles_of(&assignment.principal));
        }
        let mut all =
            [store.list(Page::first()).await.unwrap(), reference.list(Page::first()).await.unwrap()];
        all.iter_mut().for_each(|list| list.sort());
        assert_eq!(all[0], all[1]);
    }
}

#[tokio::test]
async fn accounts_and_credentials_answer_as_the_reference_does() {
    for seed in 1..=SEEDS {
        let (mut dice, reference) = (Dice::new(seed), ReferenceAccounts::default());
        let store = Sqlite::in_memory().await.unwrap().accounts();
        for step in 0..STEPS {
            let id = dice.principal();
            let login = LoginName::parse(dice.pick(&["x", "y", "z"])).unwrap();
            let credential = credential(&mut dice, &id);
            let (key, data) = (&credential.key, &credential.data);
            let expected = Version::new(1 + dice.roll(3));
            match dice.roll(10) {
                0..2 => {
                    let account = Account::new(id.clone(), login.clone(), after(0));
                    let credentials = dice.pick(&[vec![], vec![credential.clone()]]);
                    same!(dice, step: store, reference, AccountStore::create(&account, &credentials));
                }
                2..5 => {
                    let found = reference.by_id(&id).await.unwrap();
                    let current = found.map_or(expected, |account| account.version);
                    let expected = dice.pick(&[current, current, current, expected]);
                    let changes: Vec<_> = (0..dice.roll(4)).map(|_| change(&mut dice, &id, &login)).collect();
                    let epoch = dice.pick(&[EpochBump::Keep, EpochBump::Bump]);
                    same!(dice, step: store, reference, AccountStore::apply(&id, expected, &changes, epoch));
                }
                5 => same!(dice, step: store, reference, CredentialStore::update(key, expected, data)),
                6 => same!(dice, step: store, reference, CredentialStore::consume(key, expected)),
                7 => same!(dice, step: store, reference, CredentialStore::count_failure(key)),
                8 => same!(dice, step: store, reference,
                    CredentialStore::succeeded(key, expected, after(9))),
                _ if dice.roll(3) == 0 => same!(dice, step: store, reference, AccountStore::remove(&id)),
                _ => same!(dice, step: store, reference, AccountStore::by_login(id.realm(), &login)),
            }
            same!(dice, step: store, reference, AccountStore::by_id(&id));
            same!(dice, step: store, reference, CredentialStore::find(key));
            let page = Page::new(dice.byte(2).into(), 2);
            same!(dice, step: store, reference, CredentialStore::list(&id, page));
        }
        let mut pending = [
            store.sweeps_pending(Page::first()).await.unwrap(),
            reference.sweeps_pending(Page::first()).await.unwrap(),
        ];
        pending.iter_mut().for_each(|list| list.sort_by(|a, b| a.id.cmp(&b.id)));
        assert_eq!(pending[0], pending[1]);
    }
}

fn credential(dice: &mut Dice, owner: &PrincipalId) -> CredentialRecord {
    let kind = dice.pick(&[CredentialKind::PASSWORD, CredentialKind::from_static("api-key")]);
    let key = CredentialKey { realm: owner.realm().clone(), kind, lookup: vec![dice.byte(3)].into() };
    let data = CredentialBlob::new(&[dice.byte(200)]).unwrap();
    CredentialRecord::new(key, owner.clone(), data, dice.time(2))
}

fn change(dice: &mut Dice, id: &PrincipalId, login: &LoginName) -> AccountChange {
    let credential = credential(dice, id);
    match dice.roll(6) {
        0 => AccountChange::Login(login.clone()),
        1 => AccountChange::Status(dice.pick(&[AccountStatus::Active, AccountStatus::Disabled])),
        2 => AccountChange::AddCredential(credential),
        3 => AccountChange::ReplaceCredential {
            key: credential.key.clone(),
            expected: Version::FIRST,
            data: credential.data.clone(),
        },
        4 => AccountChange::RemoveCredential(credential.key.clone()),
        _ => AccountChange::SweepDone,
    }
}
