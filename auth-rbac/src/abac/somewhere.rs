//! What rules forbid on resources of which nothing is known.

use std::collections::BTreeSet;

use auth_core::AccessRequest;

use super::{
    ANY, Abac, Findings,
    evaluate::{Evaluation, Facts, MAX_STEPS},
};
use crate::verdict::Verdict;

impl Abac {
    /// What rules forbid of what is asked for, whatever resource it were done to: of any kind, those that no schema
    /// declares among them, and of the tenant that is named, or of any. A rule that depends on which one it is cannot be
    /// evaluated, whether it asks for an attribute or `has` it.
    pub(crate) fn forbidden_somewhere(&self, request: &AccessRequest<'_>) -> Verdict {
        let action = self.actions.find(request.action().as_str());
        let attributes = action.and_then(|action| self.of_actions.get(action as usize));
        let attributes = attributes.map_or(&[][..], |list| list);
        let facts = Facts::new(request, self.schema.home_realm(), attributes).somewhere();
        let mut evaluation = Evaluation::<32>::new(&self.program, facts, MAX_STEPS);
        let mut found = Findings::default();
        for bucket in self.buckets_about(action).into_iter().filter_map(|of| self.distinct.get(of as usize)) {
            evaluation.give(MAX_STEPS);
            bucket.deny.evaluate(&mut evaluation, &mut found.deny);
        }
        self.verdict(&found)
    }

    /// The buckets of an action, and of any, with whichever kind, each distinct one once.
    fn buckets_about(&self, action: Option<u32>) -> BTreeSet<u32> {
        let kinds = (0..u32::try_from(self.kinds.len()).unwrap_or(ANY)).chain([ANY]);
        let pairs = kinds.flat_map(|kind| [action, Some(ANY)].map(|action| Some((action?, kind))));
        pairs.flatten().filter_map(|pair| self.buckets.get(&pair)).copied().collect()
    }
}
