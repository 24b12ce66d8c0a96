//! From the path that a condition writes to what is read of a request.

use auth_core::ResourceKind;

use super::{
    Schema,
    builtin::{self, BuiltIn},
};
use crate::{
    attribute::{
        AttributeName, AttributePath, Root,
        kind::{AttributeType, ScalarType},
    },
    condition::tree::Part,
};

/// Where the value of an attribute comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    /// From the request itself.
    BuiltIn(BuiltIn),
    /// From the attributes that come with the request, or, of an action, from the schema.
    Named(Root, AttributeName),
}

/// What a path means.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) source: Source,
    pub(crate) kind: AttributeType,
    /// The part of a time that is meant.
    pub(crate) part: Option<Part>,
}

impl Schema {
    /// What a path means in a rule about resources of this kind, or of any.
    pub(crate) fn resolve(&self, path: &AttributePath, of: Option<&ResourceKind>) -> Option<Resolved> {
        if let Some((source, kind)) = self.find(path.root(), path.name().as_str(), of) {
            return Some(Resolved { source, kind, part: None });
        }
        let (whole, part) = path.name().as_str().rsplit_once('.')?;
        let part = Part::parse(part)?;
        let (source, kind) = self.find(path.root(), whole, of)?;
        let time = AttributeType::Scalar(ScalarType::Time);
        (kind == time).then_some(Resolved { source, kind: part.attribute_type(), part: Some(part) })
    }

    /// The name of an attribute that is most like this one.
    pub(crate) fn similar(&self, path: &AttributePath, of: Option<&ResourceKind>) -> Option<AttributePath> {
        let declared: Vec<&str> = match path.root() {
            Root::Principal => self.sections.principal.keys().map(AttributeName::as_str).collect(),
            Root::Context => self.sections.context.keys().map(AttributeName::as_str).collect(),
            Root::Resource => {
                let attributes = of.and_then(|kind| self.sections.resources.get(kind));
                attributes.into_iter().flatten().map(|(name, _)| name.as_str()).collect()
            }
            Root::Action => self.of_actions.keys().map(AttributeName::as_str).collect(),
        };
        let wanted = path.name().as_str();
        let built_in: Vec<&str> = builtin::names(path.root()).collect();
        let all = declared.iter().chain(&built_in);
        let (distance, best) = all.map(|name| (distance(name, wanted), *name)).min()?;
        (distance <= 2).then(|| AttributePath::parse(&format!("{}.{best}", path.root().as_str())).ok())?
    }

    pub(super) fn find(
        &self,
        root: Root,
        name: &str,
        of: Option<&ResourceKind>,
    ) -> Option<(Source, AttributeType)> {
        if let Some(found) = builtin::find(root, name) {
            let source = match found.built_in {
                Some(built_in) => Source::BuiltIn(built_in),
                None => Source::Named(root, AttributeName::parse(name).ok()?),
            };
            return Some((source, found.declared.attribute_type()));
        }
        let kind = match root {
            Root::Principal => self.sections.principal.get(name)?.attribute_type(),
            Root::Context => self.sections.context.get(name)?.attribute_type(),
            Root::Resource => self.sections.resources.get(of?)?.get(name)?.attribute_type(),
            Root::Action => *self.of_actions.get(name)?,
        };
        Some((Source::Named(root, AttributeName::parse(name).ok()?), kind))
    }
}

/// The edits between two names (Levenshtein), or more than there can be if their lengths are far apart.
fn distance(a: &str, b: &str) -> usize {
    if a.len().abs_diff(b.len()) > 2 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i.saturating_add(1);
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, y) in row.iter_mut().skip(1).zip(b.bytes()) {
            let change = diagonal.saturating_add(usize::from(x != y));
            diagonal = *cell;
            left = change.min(cell.saturating_add(1)).min(left.saturating_add(1));
            *cell = left;
        }
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_far_apart_as_their_edits() {
        for (a, b, edits) in
            [("owner", "owner", 0), ("owner", "ower", 1), ("kitten", "sitting", 3), ("", "ab", 2)]
        {
            assert_eq!(distance(a, b), edits, "{a} {b}");
        }
        assert_eq!(distance("a", "abcd"), usize::MAX);
    }
}
