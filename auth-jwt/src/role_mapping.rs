//! What an issuer calls roles, and which of ours they are.

use std::{collections::BTreeMap, fmt};

use auth_core::RoleName;

use crate::json::{JsonError, JsonKind, JsonStr, Members, Reader};

/// A mapping that makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RoleMappingError {
    /// The claim has no name, an empty one, or is nested more than 8 deep.
    #[error("claim has no name, an empty one, or is nested more than 8 deep")]
    Claim,
    /// There is no value to map, an empty one, one twice, or more than 256.
    #[error("there is no value to map, an empty one, one twice, or more than 256")]
    Values,
}

/// Which of the values of an issuer's claim are which of our roles.
///
/// An issuer's `admin` is not ours. So roles that a token speaks of count only where its authenticator was given
/// such a table: a value that is not in it is ignored. They are roles for the requests that the token comes with;
/// they are [asserted](auth_core::Authenticated::asserted_roles), and assigned to nobody. They end with the token,
/// and not before: what has to be taken back at once is a local assignment. So is a role that is there for what it
/// denies: whoever gets a token without the claim has shed it.
///
/// The claim is an array of strings, or a space-separated list of them. It may be nested, and its path is given
/// name by name, because names may have dots in them.
///
/// ```
/// use auth_core::RoleName;
/// use auth_jwt::{BearerAuthenticator, RoleMapping, Verifier};
///
/// /// The tokens of a Keycloak realm: `{"realm_access": {"roles": ["staff", "billing-admin"]}}`.
/// fn staff(verifier: Verifier) -> Result<BearerAuthenticator, Box<dyn std::error::Error>> {
///     let mapping = RoleMapping::new(
///         ["realm_access", "roles"],
///         [("staff", RoleName::parse("support")?), ("billing-admin", RoleName::parse("accountant")?)],
///     )?;
///     Ok(BearerAuthenticator::new(verifier).with_role_mapping(mapping))
/// }
/// ```
#[derive(Clone)]
pub struct RoleMapping {
    path: Box<[Box<str>]>,
    table: BTreeMap<Box<str>, RoleName>,
}

impl RoleMapping {
    /// How deep a claim may be nested.
    pub const MAX_DEPTH: usize = 8;
    /// The most values that are mapped.
    pub const MAX_VALUES: usize = 256;

    /// Maps the values of the claim at `path` to roles. Values are compared exactly, case included.
    ///
    /// # Errors
    /// [`RoleMappingError`].
    pub fn new<'a>(
        path: impl IntoIterator<Item = &'a str>,
        values: impl IntoIterator<Item = (&'a str, RoleName)>,
    ) -> Result<Self, RoleMappingError> {
        let path: Box<[Box<str>]> =
            path.into_iter().take(Self::MAX_DEPTH.saturating_add(1)).map(Box::from).collect();
        if path.is_empty() || path.len() > Self::MAX_DEPTH || path.iter().any(|name| name.is_empty()) {
            return Err(RoleMappingError::Claim);
        }
        let mut table = BTreeMap::new();
        for (value, role) in values {
            if value.is_empty()
                || table.len() >= Self::MAX_VALUES
                || table.insert(Box::from(value), role).is_some()
            {
                return Err(RoleMappingError::Values);
            }
        }
        if table.is_empty() { Err(RoleMappingError::Values) } else { Ok(Self { path, table }) }
    }

    /// Adds the roles that a verified payload grants. A claim that is there and is not a list of strings is not a
    /// claim that grants nothing: it is an error.
    pub(crate) fn read(&self, payload: &str, roles: &mut Vec<RoleName>) -> Result<(), NotRoles> {
        let mut reader = Reader::payload(payload);
        for name in &self.path {
            if reader.kind()? != JsonKind::Object {
                return Err(NotRoles);
            }
            if !descend(&mut reader, name)? {
                return Ok(());
            }
        }
        match reader.kind()? {
            JsonKind::String => {
                let list = reader.string()?.text();
                list.split(' ').for_each(|value| self.add(value, roles));
            }
            JsonKind::Array => {
                reader.open_array()?;
                let mut first = true;
                while reader.next_element(&mut first)? {
                    if reader.kind()? != JsonKind::String {
                        return Err(NotRoles);
                    }
                    self.add(&JsonStr::text(reader.string()?), roles);
                }
            }
            _ => return Err(NotRoles),
        }
        Ok(())
    }

    fn add(&self, value: &str, roles: &mut Vec<RoleName>) {
        if let Some(role) = self.table.get(value).filter(|role| !roles.contains(role)) {
            roles.push(role.clone());
        }
    }
}

impl fmt::Debug for RoleMapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoleMapping").field("path", &self.path).field("table", &self.table).finish()
    }
}

/// A claim that should have roles has something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotRoles;

impl From<JsonError> for NotRoles {
    fn from(_: JsonError) -> Self {
        Self
    }
}

/// Moves to the value of a member of the object that comes next; `false` if there is none.
fn descend(reader: &mut Reader<'_>, wanted: &str) -> Result<bool, JsonError> {
    reader.open_object()?;
    let mut seen = Members::default();
    while let Some(name) = reader.next_name(&mut seen)? {
        if name.is(wanted) {
            return Ok(true);
        }
        reader.skip()?;
    }
    Ok(false)
}
