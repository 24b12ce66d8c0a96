//! Role-based access control in the plainest words: lists of strings, walked through for every question. Written from
//! what the documentation promises, and sharing no idea with the engine.

use std::collections::BTreeSet;

/// Whose or where: nobody's and everywhere, or a tenant.
pub(crate) type Place = Option<&'static str>;

/// A role: whose it is, and its name.
pub(crate) type Role = (Place, &'static str);

#[derive(Debug, Clone, Default)]
pub(crate) struct Naive {
    pub(crate) permissions: Vec<&'static str>,
    pub(crate) roles: Vec<Role>,
    pub(crate) inherits: Vec<(Role, Role)>,
    /// Role, permission or wildcard, and whether it is denied.
    pub(crate) rules: Vec<(Role, &'static str, bool)>,
    pub(crate) assigned: Vec<(&'static str, Role, Place)>,
    pub(crate) direct: Vec<(&'static str, &'static str, bool, Place)>,
    /// Whether it is dynamic, the roles, and how many are too many.
    pub(crate) separations: Vec<(bool, Vec<Role>, usize)>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) user: &'static str,
    pub(crate) action: &'static str,
    pub(crate) place: Place,
    pub(crate) asserted: &'a [&'static str],
    pub(crate) active: Option<&'a [&'static str]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Permit,
    Deny,
    Nothing,
}

impl Naive {
    /// Whether somebody is assigned too many roles of a static separation.
    pub(crate) fn is_separated(&self) -> bool {
        let places: BTreeSet<Place> = self.assigned.iter().map(|(_, _, place)| *place).collect();
        let users: BTreeSet<&str> = self.assigned.iter().map(|(user, ..)| *user).collect();
        users
            .iter()
            .any(|user| places.iter().any(|place| self.exceeds(false, &self.assigned_to(user, *place))))
    }

    pub(crate) fn ask(&self, question: Question<'_>) -> Answer {
        let declared = self.permissions.contains(&question.action);
        let mut held = self.assigned_to(question.user, question.place);
        held.extend(
            question.asserted.iter().map(|name| (None, *name)).filter(|role| self.roles.contains(role)),
        );
        let active: BTreeSet<Role> = match question.active {
            None => held.clone(),
            Some(names) => {
                self.with_inherited(&held).into_iter().filter(|(_, name)| names.contains(name)).collect()
            }
        };
        let separated = self.exceeds(false, &held) || self.exceeds(true, &active);
        let directly = |denies: bool| {
            self.direct.iter().any(|(user, what, denied, place)| {
                *user == question.user
                    && *denied == denies
                    && (place.is_none() || *place == question.place)
                    && means(what, question.action)
            })
        };
        let by = |roles: &BTreeSet<Role>, denies: bool| {
            let reached = self.with_inherited(roles);
            self.rules.iter().any(|(role, what, denied)| {
                reached.contains(role) && *denied == denies && means(what, question.action)
            })
        };
        // A role that is denied something does not give it, but then it is held, and so denied altogether.
        if separated || declared && (directly(true) || by(&held, true)) {
            Answer::Deny
        } else if declared && (directly(false) || by(&active, false)) {
            Answer::Permit
        } else {
            Answer::Nothing
        }
    }

    fn assigned_to(&self, user: &str, place: Place) -> BTreeSet<Role> {
        let there = |at: &Place| at.is_none() || *at == place;
        let of_user = self.assigned.iter().filter(|(who, _, at)| *who == user && there(at));
        of_user.map(|(_, role, _)| *role).collect()
    }

    fn exceeds(&self, dynamic: bool, roles: &BTreeSet<Role>) -> bool {
        let reached = self.with_inherited(roles);
        self.separations.iter().any(|(is_dynamic, set, limit)| {
            let set: BTreeSet<&Role> = set.iter().collect();
            *is_dynamic == dynamic && set.into_iter().filter(|role| reached.contains(*role)).count() >= *limit
        })
    }

    fn with_inherited(&self, roles: &BTreeSet<Role>) -> BTreeSet<Role> {
        let mut all = roles.clone();
        loop {
            let before = all.len();
            let parents =
                self.inherits.iter().filter(|(heir, _)| all.contains(heir)).map(|(_, parent)| *parent);
            let parents: Vec<Role> = parents.collect();
            all.extend(parents);
            if all.len() == before {
                return all;
            }
        }
    }
}

/// `*` is one segment, `**` at the end one or more.
pub(crate) fn means(pattern: &str, name: &str) -> bool {
    match (pattern.split_once('.'), name.split_once('.')) {
        _ if pattern == "**" => true,
        (None, None) => pattern == "*" || pattern == name,
        (Some((first, pattern)), Some((segment, name))) => {
            (first == "*" || first == segment) && means(pattern, name)
        }
        _ => false,
    }
}
