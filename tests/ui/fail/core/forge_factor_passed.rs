//! A passed factor cannot be written down; it is stated by `assertion`, which a search finds.
use auth_core::{AuthEpoch, FactorPassed, Method, PrincipalId, UnixTime};

fn forge(principal: PrincipalId) -> FactorPassed {
    FactorPassed { principal, method: Method::PASSWORD, at: UnixTime::EPOCH, epoch: AuthEpoch::ZERO }
}

fn main() {}
