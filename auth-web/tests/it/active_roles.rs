//! Roles that are kept apart over all requests of a login: those that are active are in its session, and nowhere else.

use std::sync::Arc;

use auth_web::{
    core::{
        AccessRequest, Action, Authenticated, AuthorizerExt, DiscardAudit, KeyName, KeyRing, MemorySessions,
        PolicyVersion, PrincipalId, Resource, ResourceKind, RoleName, SystemEntropy, UnixTime,
        testing::{FixedClock, login_as},
    },
    rbac::{ActivationError, PolicyBuilder, Rbac},
    session::{CookiePolicy, EpochCheck, Session, SessionData, SessionPolicy, Sessions},
};
use serde::{Deserialize, Serialize};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

/// What is active, in a slot of its own. Without one nothing is.
#[derive(Default, Serialize, Deserialize)]
struct Active(Vec<String>);

impl SessionData for Active {
    const SLOT: &'static str = "active-roles";
    const VERSION: u16 = 1;
}

impl Active {
    /// Puts other roles in the place of those that are active, if they may be so together.
    fn activate(rbac: &Rbac, session: &mut Session, names: &[&str]) -> Result<(), ActivationError> {
        let who = session.authenticated().unwrap().clone();
        let names: Vec<_> = names.iter().map(|name| RoleName::parse(name).unwrap()).collect();
        let active = rbac.snapshot().unwrap().activate(&who, None, &names)?;
        session.set(&Self(active.as_slice().iter().map(ToString::to_string).collect())).unwrap();
        Ok(())
    }

    /// Never what the request says.
    fn of(session: &Session) -> Vec<RoleName> {
        let Self(names) = session.get().unwrap().unwrap_or_default();
        names.iter().map(|name| RoleName::parse(name).unwrap()).collect()
    }
}

fn may(rbac: &Rbac, session: &Session, action: &'static str) -> bool {
    let who: &Authenticated = session.authenticated().unwrap();
    let (action, books) = (Action::from_static(action), Resource::any(ResourceKind::from_static("books")));
    let active = Active::of(session);
    rbac.require(&AccessRequest::new(who, &action, &books, NOW).with_active_roles(&active)).is_ok()
}

/// One request after the other pays and audits nothing: to be an auditor is to be a cashier no more.
#[tokio::test]
async fn roles_that_are_kept_in_a_session_stay_apart() {
    let ann = PrincipalId::local_user("ann").unwrap();
    let mut policy = PolicyBuilder::new();
    for (role, permission) in [("cashier", "books.pay"), ("auditor", "books.audit")] {
        policy.permission(permission).unwrap().role(role).unwrap().allow(permission).unwrap();
        policy.assign(&ann, role).unwrap();
    }
    policy.dynamic_separation("four-eyes", ["cashier", "auditor"], 2).unwrap();
    let rbac = Rbac::new(policy.build(PolicyVersion::new(1)).unwrap());
    let keys = Arc::new(KeyRing::generate(KeyName::from_static("test"), &SystemEntropy).unwrap());
    let sessions = Sessions::new(
        Arc::new(MemorySessions::new(10)),
        keys,
        EpochCheck::by_session_store_only(),
        Arc::new(DiscardAudit),
        SessionPolicy::aal1(CookiePolicy::default()),
    )
    .with_clock(Arc::new(FixedClock(NOW)));

    let mut session = sessions.open(&sessions.read([&b""[..]]).unwrap()).await.unwrap();
    session.start(login_as(&ann, NOW)).await.unwrap();
    assert!(
        !may(&rbac, &session, "books.pay") && !may(&rbac, &session, "books.audit"),
        "nothing is active yet"
    );
    Active::activate(&rbac, &mut session, &["cashier"]).unwrap();
    let (cookie, saved) = session.commit().await.into_parts();
    saved.unwrap();
    let header = cookie.unwrap().expose().split(';').next().unwrap().to_owned();

    for (next, pays, audits) in [("auditor", true, false), ("cashier", false, true), ("auditor", true, false)]
    {
        let mut session = sessions.open(&sessions.read([header.as_bytes()]).unwrap()).await.unwrap();
        assert_eq!(
            (may(&rbac, &session, "books.pay"), may(&rbac, &session, "books.audit")),
            (pays, audits),
            "before {next}"
        );
        let both = Active::activate(&rbac, &mut session, &["cashier", "auditor"]);
        assert!(matches!(both, Err(ActivationError::Separated { .. })));
        Active::activate(&rbac, &mut session, &[next]).unwrap();
        let (_, saved) = session.commit().await.into_parts();
        saved.unwrap();
    }
}
