//! Roles that are kept apart over all requests of a login: those that are active are in its session, and nowhere else.

use std::sync::Arc;

use async_trait::async_trait;
use auth_web::{
    Circumstances, InformationPoint, Refusal, Require, Visit,
    axum08::Mounted,
    core::{AccessRequest, PolicyVersion, RoleName},
    rbac::{PolicyBuilder, Rbac},
    session::SessionData,
};
use axum::{
    Router,
    extract::Path,
    routing::{get, post},
};
use serde::{Deserialize, Serialize};

use crate::app::{Fixture, ORIGIN, ann, fixture_with};

auth_web::rbac::permissions! {
    /// What is done to the books.
    enum Permission, mod perm {
        /// Pay.
        BooksPay = "books.pay",
        /// Audit.
        BooksAudit = "books.audit",
    }
}

/// What is active, in a slot of its own. Without one nothing is.
#[derive(Default, Serialize, Deserialize)]
struct Active(Vec<RoleName>);

impl SessionData for Active {
    const SLOT: &'static str = "active-roles";
    const VERSION: u16 = 1;
}

/// Never what the request says.
struct OfTheSession;

#[async_trait]
impl InformationPoint for OfTheSession {
    async fn circumstances(&self, visit: &Visit, _: &AccessRequest<'_>) -> Result<Circumstances, Refusal> {
        let active = if visit.may_have_session() { visit.get::<Active>().await? } else { None };
        Ok(Circumstances::new().with_active_roles(active.unwrap_or_default().0))
    }
}

/// Ann is a cashier and an auditor, and never both at once.
fn books() -> Fixture {
    let mut policy = PolicyBuilder::new();
    policy.permissions::<Permission>().unwrap();
    for (role, permission) in [("cashier", Permission::BooksPay), ("auditor", Permission::BooksAudit)] {
        policy.role(role).unwrap().allow(permission).unwrap();
        policy.assign(&ann(), role).unwrap();
    }
    policy.dynamic_separation("four-eyes", ["cashier", "auditor"], 2).unwrap();
    let rbac = Rbac::new(policy.build(PolicyVersion::new(1)).unwrap());
    let mut fixture = fixture_with(|auth| {
        auth.authorizer(Arc::new(rbac.clone())).information_point(Arc::new(OfTheSession))
    });
    let activate = async move |visit: Visit, Path(names): Path<String>| {
        let names: Vec<_> = names.split(',').map(|name| RoleName::parse(name).unwrap()).collect();
        let active = rbac.snapshot().unwrap().activate(&visit.require_user().await?, None, &names)?;
        visit.set(&Active(active.as_slice().to_vec())).await
    };
    let routes: Router<Mounted<()>> = Router::new()
        .route("/activate/{names}", post(activate))
        .route("/pay", get(async |_: Require<perm::BooksPay>| "paid"))
        .route("/audit", get(async |_: Require<perm::BooksAudit>| "audited"));
    fixture.router = fixture.auth.clone().mount(routes, ());
    fixture
}

/// One request after the other pays and audits nothing: to be an auditor is to be a cashier no more.
#[tokio::test]
async fn roles_that_are_kept_in_a_session_stay_apart() {
    let fixture = books();
    let cookie = fixture.log_in().await;
    let own = [("cookie", cookie.as_str()), ("origin", ORIGIN)];
    let may = async |headers: &[(&str, &str)]| {
        let [pays, audits] =
            [fixture.get("/pay", headers).await.status, fixture.get("/audit", headers).await.status];
        (pays, audits)
    };
    assert_eq!(may(&own).await, (403, 403), "nothing is active yet");
    for (next, allowed) in [("cashier", (200, 403)), ("auditor", (403, 200)), ("cashier", (200, 403))] {
        assert_eq!(fixture.send("POST", &format!("/activate/{next}"), &own).await.status, 200);
        assert_eq!(may(&own).await, allowed, "as {next}");
        assert_eq!(fixture.send("POST", "/activate/cashier,auditor", &own).await.status, 403);
        assert_eq!(may(&own).await, allowed, "still as {next}");
    }
    // A token has no session, so nothing is active for it, whatever is elsewhere.
    let token = fixture.token(None);
    assert_eq!(may(&[("cookie", &cookie), ("authorization", &token)]).await, (403, 403));
}
