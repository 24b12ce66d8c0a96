//! An application that sends links.

use std::sync::Arc;

use auth_core::{
    AccountChange, AccountStore, Applied, Authenticated, CredentialStore, EpochBump, Inserted, KeyName,
    KeyRing, LoginGate, MemorySessions, MemoryTokens, Method, Page, SessionId, SessionStore, SystemEntropy,
    UnixTime,
    testing::{FailingStore, block_on},
};
use auth_credentials::{
    AccountLinks, Accounts, EpochRaised, LinkBase, LinkPurpose, MemoryNotifier, Message, OneFactor,
    PasswordPolicy, SecondFactors,
};

use super::{
    address,
    app::{App, PASSWORD},
    counters::TestCounters,
    factors,
    hooked::Hooked,
    session,
};

pub(crate) const ANN: &str = "ann@example.com";

type Tokens = Hooked<FailingStore<MemoryTokens>>;

#[derive(Clone)]
pub(crate) struct Post {
    pub(crate) app: App,
    pub(crate) accounts: Accounts,
    pub(crate) links: AccountLinks,
    pub(crate) factors: SecondFactors,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) notifier: Arc<MemoryNotifier>,
    pub(crate) sessions: Arc<MemorySessions>,
    pub(crate) keys: Arc<KeyRing>,
}

impl Post {
    /// With an account for Ann, whose address nobody has proven.
    pub(crate) fn new() -> Self {
        let app = App::new();
        app.sign_up(ANN, PASSWORD);
        let accounts = Accounts::new(
            app.accounts.authenticator().clone(),
            LoginGate::new(Arc::new(OneFactor::password().or(Method::MAIL_LINK))),
            PasswordPolicy::default(),
            Arc::<TestCounters>::clone(&app.counters),
            Arc::new(SystemEntropy),
        );
        let tokens = Arc::new(Hooked::new(FailingStore::new(MemoryTokens::new(1_000))));
        let notifier = Arc::new(MemoryNotifier::default());
        let links = AccountLinks::new(
            accounts.clone(),
            Arc::<Tokens>::clone(&tokens),
            Arc::<MemoryNotifier>::clone(&notifier),
            LinkBase::parse("https://app.example").unwrap(),
            Arc::<TestCounters>::clone(&app.counters),
        );
        let keys = Arc::new(KeyRing::generate(KeyName::parse("test").unwrap(), &SystemEntropy).unwrap());
        let factors = factors::Site::factors(&app, &accounts, Arc::clone(&keys));
        let sessions = Arc::new(MemorySessions::new(100));
        Self { app, accounts, links, factors, tokens, notifier, sessions, keys }
    }

    /// The same with the address proven.
    pub(crate) fn verified() -> Self {
        let post = Self::new();
        block_on(post.links.ask_to_verify(ANN, Some(address(9)))).unwrap();
        let token = post.token();
        let kept = block_on(post.links.verify(&token, Some(&post.request()), None)).unwrap();
        assert_eq!(kept, None);
        post
    }

    pub(crate) fn request(&self) -> Authenticated {
        self.app.request_of(ANN, PASSWORD)
    }

    /// The messages since the last time.
    pub(crate) fn messages(&self) -> Vec<Message> {
        self.notifier.take()
    }

    /// The token of the one link that was sent.
    pub(crate) fn token(&self) -> String {
        let messages = self.messages();
        let tokens: Vec<String> = messages.iter().filter_map(token_of).collect();
        assert_eq!(tokens.len(), 1, "{messages:?}");
        tokens[0].clone()
    }

    pub(crate) fn reset_token(&self) -> String {
        block_on(self.links.ask_to_reset(ANN, Some(address(1)))).unwrap();
        self.token()
    }

    pub(crate) fn works(&self, purpose: LinkPurpose, token: &str) -> bool {
        block_on(self.links.look(purpose, token)).is_ok()
    }

    /// How many credentials Ann's account has.
    pub(crate) fn credentials(&self) -> usize {
        block_on(self.app.store.inner.list(&self.app.id(ANN), Page::first())).unwrap().len()
    }

    /// Raises Ann's epoch.
    pub(crate) fn bump(&self) {
        let account = self.app.account(ANN);
        let changes: [AccountChange; 0] = [];
        let bumped = self.app.store.inner.apply(&account.id, account.version, &changes, EpochBump::Bump);
        assert!(matches!(block_on(bumped).unwrap(), Applied::Applied(_)));
    }

    /// A session of Ann's that began just now.
    pub(crate) fn session(&self) -> SessionId {
        let record = session(self.request().authentication().clone(), &self.keys, self.now());
        let stored = block_on(self.sessions.insert(&record, None, self.now())).unwrap();
        assert!(matches!(stored, Inserted::Stored { .. }), "{stored:?}");
        record.id
    }

    pub(crate) fn lives(&self, session: &SessionId) -> bool {
        block_on(self.sessions.load(session, self.now())).unwrap().is_some()
    }

    pub(crate) fn sweep(&self, raised: &EpochRaised) -> u64 {
        block_on(self.accounts.finish_sweep(raised, &*self.sessions, &self.keys, None)).unwrap()
    }

    pub(crate) fn now(&self) -> UnixTime {
        auth_core::Clock::now(&self.app.clock)
    }
}

pub(crate) fn token_of(message: &Message) -> Option<String> {
    let link = message.notice.link()?;
    Some(link.expose().split_once("?token=").unwrap().1.to_owned())
}
