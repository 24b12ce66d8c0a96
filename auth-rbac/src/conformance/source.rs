//! What a source answers that somebody else writes.

use super::{
    MAX_LOOKS,
    check::{Verdict, Wrong, ensure, expect_policy, version},
    sample,
};
use crate::{
    document::PolicyDocument,
    source::{Loaded, PolicySource, Revision},
};

/// Two that differ in what they say.
pub(super) fn samples() -> Result<[PolicyDocument; 2], Wrong> {
    let mut other = sample()?;
    other.version = version(8);
    other.assignments.clear();
    Ok([sample()?, other])
}

/// A part of a policy may lack what forbids.
pub(super) async fn a_policy_is_answered_whole(
    source: &dyn PolicySource,
    wanted: &PolicyDocument,
) -> Verdict {
    expect_policy("the policy", &settled(source, None).await?.1, wanted)
}

pub(super) async fn what_is_known_is_not_answered_again(source: &dyn PolicySource) -> Verdict {
    let (known, _) = settled(source, None).await?;
    ensure(source.load(Some(&known)).await? == Loaded::Unchanged, "it still is the one that is known")
}

pub(super) async fn policies_that_differ_are_told_apart(
    source: &dyn PolicySource,
    other: &dyn PolicySource,
    wanted: &PolicyDocument,
) -> Verdict {
    let (known, _) = settled(source, None).await?;
    let (revision, found) = settled(other, Some(&known)).await?;
    ensure(revision != known, "another policy has another revision")?;
    expect_policy("the other one", &found, wanted)
}

async fn settled(
    source: &dyn PolicySource,
    known: Option<&Revision>,
) -> Result<(Revision, PolicyDocument), Wrong> {
    for _ in 0..MAX_LOOKS {
        match source.load(known).await? {
            Loaded::Changed { revision, document } => return Ok((revision, *document)),
            Loaded::Changing(_) => {}
            Loaded::Unchanged => return Err(Wrong::new("what is not known is answered")),
        }
    }
    Err(Wrong::new("the source is always changing"))
}
