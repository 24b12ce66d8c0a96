//! Comparing what principals may do.

use std::sync::Arc;

use crate::{PrincipalId, refusal::DecideError};

/// Tells whether one principal may do all that another may.
///
/// It guards what lets somebody act as somebody else, or hand on rights: nobody may come to more than they hold.
/// Pure and synchronous, from one snapshot of the policy, as an [`Authorizer`](crate::Authorizer) is.
pub trait Privileges: Send + Sync {
    /// Whether everything that `other` may do, `holder` certainly may do too. Nobody who is unknown covers anybody who
    /// holds something.
    ///
    /// # Errors
    /// [`DecideError`] if it cannot be told: then nothing may be done that depends on it.
    fn covers(&self, holder: &PrincipalId, other: &PrincipalId) -> Result<bool, DecideError>;
}

macro_rules! forward {
    ($($pointer:ty),*) => { $(
        impl<T: Privileges + ?Sized> Privileges for $pointer {
            fn covers(&self, holder: &PrincipalId, other: &PrincipalId) -> Result<bool, DecideError> {
                (**self).covers(holder, other)
            }
        }
    )* };
}
forward!(&T, Box<T>, Arc<T>);
