//! The private claim `auth_ctx`: what an authentication has beyond the registered claims.
//!
//! Our own tokens carry it, so that a token gives back exactly the authentication that it was issued on: the
//! epoch, the realm, the kind of principal, and every limit. It is read only where the issuer was declared
//! local; in a stranger's token it means nothing.

use std::borrow::Cow;

use auth_core::{AuthEpoch, Authentication, Limits, Network, PrincipalId, PrincipalKind, Realm};
use serde::Deserialize;

use crate::json::Writer;

/// The claim's name.
pub(crate) const CLAIM: &str = "auth_ctx";

/// The claim as it is written.
#[derive(Debug)]
pub(crate) struct WrittenContext<'a> {
    epoch: AuthEpoch,
    realm: &'a Realm,
    kind: PrincipalKind,
    actor: Option<&'a PrincipalId>,
    tenant: Option<&'a Realm>,
    networks: Option<&'a [Network]>,
}

impl<'a> WrittenContext<'a> {
    pub(crate) fn of(authentication: &'a Authentication) -> Self {
        let Limits { tenant, networks, .. } = &authentication.limits;
        Self {
            epoch: authentication.epoch,
            realm: authentication.principal.realm(),
            kind: authentication.principal.kind(),
            actor: authentication.actor.as_ref(),
            tenant: tenant.as_ref(),
            networks: networks.as_deref(),
        }
    }

    /// Writes it as a member of `payload`. A user is what is meant if there is no kind.
    ///
    /// # Errors
    /// That of the types' own code.
    pub(crate) fn write(&self, payload: &mut Writer) -> Result<(), serde_json::Error> {
        payload.open(CLAIM);
        payload.integer("epoch", self.epoch.get());
        payload.string("realm", self.realm.as_str());
        if self.kind != PrincipalKind::User {
            payload.string("kind", self.kind.as_str());
        }
        if let Some(actor) = self.actor {
            payload.value("actor", actor)?;
        }
        if let Some(tenant) = self.tenant {
            payload.string("tenant", tenant.as_str());
        }
        if let Some(networks) = self.networks {
            payload.value("networks", networks)?;
        }
        payload.close();
        Ok(())
    }
}

/// The claim as it is read. A member that is not known might be a limit, so it is refused.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReadContext<'a> {
    pub(crate) epoch: AuthEpoch,
    #[serde(borrow)]
    pub(crate) realm: Cow<'a, str>,
    #[serde(default = "user")]
    pub(crate) kind: PrincipalKind,
    #[serde(default)]
    pub(crate) actor: Option<PrincipalId>,
    #[serde(default)]
    pub(crate) tenant: Option<Realm>,
    #[serde(default)]
    pub(crate) networks: Option<Vec<Network>>,
}

fn user() -> PrincipalKind {
    PrincipalKind::User
}

/// The own claims of a local token.
#[derive(Debug, Deserialize)]
pub(crate) struct LocalClaims<'a> {
    #[serde(borrow, default)]
    pub(crate) auth_ctx: Option<ReadContext<'a>>,
}
