//! Whom an entry of an access control list is for.

use std::fmt;

use auth_core::{GroupName, NameError, PrincipalId, Realm};

/// Names one group: its realm and its name there. Groups of two tenants never meet by name, and none is ever
/// taken for a principal or a role.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupId {
    realm: Realm,
    name: GroupName,
}

impl GroupId {
    /// Names a group.
    #[must_use]
    pub const fn new(realm: Realm, name: GroupName) -> Self {
        Self { realm, name }
    }

    /// A group of [`Realm::LOCAL`].
    ///
    /// # Errors
    /// [`NameError`] if it is not a name that a group may have.
    pub fn local(name: &str) -> Result<Self, NameError> {
        Ok(Self::new(Realm::LOCAL, GroupName::parse(name)?))
    }

    /// The space that the name belongs to.
    #[must_use]
    pub const fn realm(&self) -> &Realm {
        &self.realm
    }

    /// The name within the realm.
    #[must_use]
    pub const fn name(&self) -> &GroupName {
        &self.name
    }
}

impl fmt::Debug for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GroupId({} {})", self.realm, self.name)
    }
}

/// The name, and the realm where it is not the usual one.
impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)?;
        if self.realm == Realm::LOCAL { Ok(()) } else { write!(f, " of {}", self.realm) }
    }
}

/// Whom an entry of an access control list is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Trustee {
    /// Every principal that was authenticated, of whatever realm and kind.
    Everyone,
    /// Whoever owns the resource that is asked for. Inherited, it is the owner of the resource below, not of
    /// the one that has the entry.
    Owner,
    /// A group, with all groups inside it.
    Group(GroupId),
    /// One principal.
    Principal(PrincipalId),
}

impl From<GroupId> for Trustee {
    fn from(group: GroupId) -> Self {
        Self::Group(group)
    }
}

impl From<PrincipalId> for Trustee {
    fn from(principal: PrincipalId) -> Self {
        Self::Principal(principal)
    }
}

impl From<&GroupId> for Trustee {
    fn from(group: &GroupId) -> Self {
        Self::Group(group.clone())
    }
}

impl From<&PrincipalId> for Trustee {
    fn from(principal: &PrincipalId) -> Self {
        Self::Principal(principal.clone())
    }
}

impl fmt::Display for Trustee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everyone => f.write_str("everyone"),
            Self::Owner => f.write_str("the owner"),
            Self::Group(group) => write!(f, "group {group}"),
            Self::Principal(principal) => {
                write!(f, "{} {:?}", principal.kind().as_str(), principal.id())?;
                if *principal.realm() == Realm::LOCAL {
                    Ok(())
                } else {
                    write!(f, " of {}", principal.realm())
                }
            }
        }
    }
}
