//! Several engines as one.

use std::fmt;

use auth_core::{AccessRequest, Authorizer, DecideError, Decision};

use crate::{combine::Combiner, engine::Engine, explain::Explanation, verdict::Verdict};

/// Engines whose effects are combined into one: an engine itself, so that stacks nest, and an [`Authorizer`]
/// where it is the outermost.
///
/// ```
/// # use auth_core::{PolicyVersion, PrincipalId};
/// # use auth_rbac::{PolicyBuilder, Rbac};
/// use auth_rbac::{Combiner, Stack};
/// # fn stack(roles: Rbac, office_hours: Rbac) -> Stack {
/// // Forbidden by either is forbidden; allowed by either, otherwise, is allowed.
/// Stack::new(Combiner::DenyOverrides, roles).with(office_hours)
/// # }
/// ```
///
/// Every engine has its own policy, which the version and the rule of a decision belong to. Nothing in a decision says
/// which engine that is: give the policies versions that differ, or one describes the other's decision as its own.
///
/// A separation of duty denies like any other rule here, and under [`Combiner::PermitOverrides`] a permit of another
/// engine overrides it. Within one [`Policy`](crate::Policy) nothing does.
pub struct Stack {
    combiner: Combiner,
    first: Box<dyn Engine>,
    others: Vec<Box<dyn Engine>>,
}

impl Stack {
    /// A stack of one.
    #[must_use]
    pub fn new(combiner: Combiner, first: impl Engine + 'static) -> Self {
        Self { combiner, first: Box::new(first), others: Vec::new() }
    }

    /// The same with one more, asked after the others. Where they have settled the effect, it is not asked, and its
    /// obligations do not arise (XACML 3.0, section 7.18); unless a challenge may yet lead to a permit. Then it is asked
    /// what it would say to that, and if it has no answer, nobody is challenged.
    #[must_use]
    pub fn with(mut self, engine: impl Engine + 'static) -> Self {
        self.others.push(Box::new(engine));
        self
    }

    fn engines(&self) -> impl Iterator<Item = &dyn Engine> {
        std::iter::once(&self.first).chain(&self.others).map(|engine| &**engine)
    }
}

impl Engine for Stack {
    fn evaluate(&self, request: &AccessRequest<'_>) -> Result<Verdict, DecideError> {
        self.combiner.evaluate(self.engines().map(|engine| engine.evaluate(request)))
    }

    fn explain(&self, request: &AccessRequest<'_>) -> Result<Explanation, DecideError> {
        self.combiner.explain(self.engines().map(|engine| engine.explain(request)))
    }
}

impl Authorizer for Stack {
    fn decide(&self, request: &AccessRequest<'_>) -> Result<Decision, DecideError> {
        Ok(self.evaluate(request)?.decide(request))
    }
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stack")
            .field("combiner", &self.combiner)
            .field("engines", &self.others.len().saturating_add(1))
            .finish_non_exhaustive()
    }
}
