//! A request as people and programs write it.
//!
//! ```json
//! {
//!     "id": 1,
//!     "principal": {"id": "ann", "roles": ["guest"], "departments": ["finance"]},
//!     "action": "reports.read",
//!     "resource": {"kind": "report", "id": "2026-q3", "department": "finance"},
//!     "context": {"ip": "10.1.2.3", "time": "2026-11-27T10:00:00Z", "auth": {"assurance": "aal2", "age": 30}}
//! }
//! ```
//!
//! | part | keys; what is not in this table is an attribute, and may also stand in `attributes` |
//! |---|---|
//! | `principal` | `id`; `kind` (`user`), `realm` (`local:default`), `roles` of the credential, `active_roles`, `limits` |
//! | `resource` | `kind` (or `type`); `id`, `tenant` |
//! | `context` | `time` (now), `ip`, `auth`: `age` or `time`, `assurance`, `methods` |
//!
//! A principal may also be written as the id of a local user alone. Attributes are read as the schema of the policy
//! declares them; a table inside one is written with a dot: `{"device": {"managed": true}}` is `device.managed`. An
//! attribute of type `principal` is a table by itself: `{"realm": "local:default", "kind": "user", "id": "ann"}`.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use auth_core::{
    AccessRequest, Action, Assurance, AuthEpoch, Authenticated, Authentication, Authorizer, AuthorizerExt,
    Clock, Limits, Method, Permit, PrincipalId, PrincipalKind, Realm, Refusal, Resource, ResourceKind,
    RoleName, SystemClock, UnixTime,
};
use auth_rbac::{
    AttributeMap, AttributeName, AttributePath, AttributeType, Policy, PolicyDescription, Root, ScalarType,
    Schema, Value,
};
use serde::{
    Deserialize,
    de::{self, DeserializeSeed},
};
use serde_json::Value as Json;

use crate::table::Table;

/// How deep tables of attributes may be inside each other.
const MAX_DEPTH: usize = 4;

/// A request as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Form {
    /// Whatever tells the answers apart.
    #[serde(rename = "id", default)]
    _id: de::IgnoredAny,
    principal: Who,
    action: Action,
    resource: Table,
    #[serde(default)]
    context: Table,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Who {
    Id(String),
    Table(Table),
}

/// What is asked, ready to be asked.
pub(crate) struct Question {
    who: Authenticated,
    action: Action,
    resource: Resource,
    now: UnixTime,
    source: Option<IpAddr>,
    active_roles: Option<Vec<RoleName>>,
    attributes: [Option<AttributeMap>; 3],
}

/// What came of it.
pub(crate) struct Answer {
    /// `allow` or `deny`.
    pub(crate) decision: &'static str,
    pub(crate) reason: String,
}

impl Form {
    /// The request of a person who is a local user, without attributes.
    pub(crate) fn simple(
        principal: String,
        action: Action,
        resource: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Self {
        let resource = resource.into_iter().map(|(key, value)| (key.to_owned(), Json::String(value)));
        Self {
            _id: de::IgnoredAny,
            principal: Who::Id(principal),
            action,
            resource: Table(resource.collect()),
            context: Table::default(),
        }
    }

    /// The question that the form puts to a policy.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn question(self, policy: &Policy) -> Result<Question, String> {
        let mut principal = match self.principal {
            Who::Id(id) => Table(BTreeMap::from([("id".to_owned(), Json::String(id))])),
            Who::Table(table) => table,
        };
        let (mut resource, mut context) = (self.resource, self.context);
        let now = match context.take_raw("time") {
            Some(time) => moment(time)?,
            None => SystemClock.now(),
        };
        let source = context.take::<String>("ip")?;
        let source =
            source.map(|ip| ip.parse().map_err(|_| format!("ip: {ip:?} is no address"))).transpose()?;

        let id = principal.take::<String>("id")?.ok_or("principal: there is no id")?;
        let kind = principal.take::<PrincipalKind>("kind")?.unwrap_or(PrincipalKind::User);
        let realm = principal.take::<Realm>("realm")?.unwrap_or(Realm::LOCAL);
        let id = PrincipalId::new(realm, kind, &id).map_err(|error| format!("principal: {error}"))?;
        let roles = principal.take::<Vec<RoleName>>("roles")?.unwrap_or_default();
        let active_roles = principal.take("active_roles")?;
        let limits = principal.take::<Limits>("limits")?.unwrap_or_default();
        let event = authentication(id, now, context.take::<Table>("auth")?.unwrap_or_default())?;
        let who = Authenticated::assertion(event.with_limits(limits)).with_asserted_roles(&roles);

        let kind = match (resource.take::<ResourceKind>("kind")?, resource.take("type")?) {
            (Some(kind), None) | (None, Some(kind)) => kind,
            _ => return Err("resource: there must be a kind".to_owned()),
        };
        let named = match resource.take::<String>("id")? {
            Some(id) => Resource::one(kind, &id).map_err(|error| format!("resource: {error}"))?,
            None => Resource::any(kind),
        };
        let named = match resource.take("tenant")? {
            Some(tenant) => named.of_tenant(tenant),
            None => named,
        };
        let attributes = attributes(policy, named.kind(), [principal, resource, context])?;
        Ok(Question { who, action: self.action, resource: named, now, source, active_roles, attributes })
    }
}

impl Question {
    /// Puts the question in the words of the library.
    pub(crate) fn with<T>(&self, ask: impl FnOnce(&AccessRequest<'_>) -> T) -> T {
        let mut request = AccessRequest::new(&self.who, &self.action, &self.resource, self.now);
        if let Some(source) = self.source {
            request = request.from_address(source);
        }
        if let Some(roles) = &self.active_roles {
            request = request.with_active_roles(roles);
        }
        let [principal, resource, context] = &self.attributes;
        if let Some(attributes) = principal {
            request = request.with_principal_attributes(attributes);
        }
        if let Some(attributes) = resource {
            request = request.with_resource_attributes(attributes);
        }
        if let Some(attributes) = context {
            request = request.with_context_attributes(attributes);
        }
        ask(&request)
    }

    /// Asks as a door does: limits first, then the policy. Obligations are counted as done, and named.
    ///
    /// # Errors
    /// If there is no answer.
    pub(crate) fn ask(&self, policy: &Policy) -> Result<Answer, String> {
        let mut obligations = Vec::new();
        let outcome = self.with(|request| {
            policy.require_with(request, &mut |obligation| {
                obligations.push(obligation.name.to_string());
                true
            })
        });
        match outcome {
            Ok(permit) => Ok(Answer { decision: "allow", reason: allowed(policy, &permit, &obligations) }),
            Err(Refusal::Denied(denial)) => {
                let mut reason = denial.reason().as_str().to_owned();
                if let (Some(_), Ok(description)) = (denial.rule(), policy.describe(&denial)) {
                    reason.push_str(&format!(": {description}"));
                }
                Ok(Answer { decision: "deny", reason })
            }
            Err(Refusal::Challenged(challenge)) => {
                let age = challenge.max_age.map(|age| format!(" within {} s", age.as_secs()));
                let assurance = challenge.assurance.map(|assurance| format!(" {assurance}"));
                let (assurance, age) = (assurance.unwrap_or_default(), age.unwrap_or_default());
                Ok(Answer { decision: "deny", reason: format!("challenge: authenticate{assurance}{age}") })
            }
            Err(other) => Err(other.to_string()),
        }
    }
}

impl Question {
    /// What of the policy decides, or nothing if the limits of the authentication do.
    pub(crate) fn decided_by(&self, policy: &Policy) -> Option<PolicyDescription> {
        self.with(|request| {
            match policy.require_with(request, &mut |_| true) {
                Ok(permit) => return policy.describe(&permit).ok(),
                Err(Refusal::Denied(denial)) => return policy.describe(&denial).ok(),
                // It does not say by which rule.
                Err(Refusal::Challenged(_)) => {}
                Err(_) => return None,
            }
            let decision = policy.decide(request).ok()?;
            policy.describe(&decision).ok()
        })
    }
}

fn allowed(policy: &Policy, permit: &Permit, obligations: &[String]) -> String {
    let description = policy.describe(permit);
    let mut reason =
        description.map_or_else(|error| error.to_string(), |description| description.to_string());
    if !obligations.is_empty() {
        reason.push_str(&format!("; to be done: {}", obligations.join(", ")));
    }
    reason
}

impl Table {
    /// What is left, as attributes: a map from names with dots in them.
    fn attributes(mut self, is_attribute: IsAttribute<'_>) -> Result<serde_json::Map<String, Json>, String> {
        let nested = self.take::<Self>("attributes")?.unwrap_or_default();
        let mut flat = serde_json::Map::new();
        for (name, value) in nested.0.into_iter().chain(self.0) {
            flatten(&mut flat, is_attribute, name, value, 0)?;
        }
        Ok(flat)
    }
}

/// Whether the schema has an attribute of this name.
type IsAttribute<'a> = &'a dyn Fn(&str) -> bool;

/// A table is a value where the schema has an attribute of its name, as a principal is, and else attributes below it.
fn flatten(
    flat: &mut serde_json::Map<String, Json>,
    is_attribute: IsAttribute<'_>,
    name: String,
    value: Json,
    depth: usize,
) -> Result<(), String> {
    match value {
        Json::Object(parts) if depth < MAX_DEPTH && !is_attribute(&name) => {
            parts.into_iter().try_for_each(|(part, value)| {
                flatten(flat, is_attribute, format!("{name}.{part}"), value, depth.saturating_add(1))
            })
        }
        value if flat.contains_key(&name) => Err(format!("{name} is there twice: {value}")),
        value => {
            flat.insert(name, value);
            Ok(())
        }
    }
}

/// Of principal, resource and circumstances, as the schema says. Where none is given, none is known; a policy without
/// rules looks at none.
fn attributes(
    policy: &Policy,
    kind: &ResourceKind,
    tables: [Table; 3],
) -> Result<[Option<AttributeMap>; 3], String> {
    let [principal, resource, context] = tables;
    let schema = policy.rules().map(auth_rbac::Abac::schema);
    let read = |root: Root, table: Table, by: &dyn Fn(&Schema, Json) -> Result<_, serde_json::Error>| {
        let is_attribute = |name: &str| {
            let path = AttributeName::parse(name).map(|name| AttributePath::new(root, name));
            schema.zip(path.ok()).is_some_and(|(schema, path)| schema.type_of(&path, Some(kind)).is_some())
        };
        read(root.as_str(), schema, table, &is_attribute, by)
    };
    Ok([
        read(Root::Principal, principal, &|schema, given| schema.read_principal().deserialize(given))?,
        read(Root::Resource, resource, &|schema, given| schema.read_resource(kind).deserialize(given))?,
        read(Root::Context, context, &|schema, given| schema.read_context().deserialize(given))?,
    ])
}

fn read(
    part: &str,
    schema: Option<&Schema>,
    table: Table,
    is_attribute: IsAttribute<'_>,
    by: impl FnOnce(&Schema, Json) -> Result<AttributeMap, serde_json::Error>,
) -> Result<Option<AttributeMap>, String> {
    let given = table.attributes(is_attribute).map_err(|error| format!("{part}: {error}"))?;
    match schema {
        Some(schema) if !given.is_empty() => {
            by(schema, Json::Object(given)).map(Some).map_err(|error| format!("{part}: {error}"))
        }
        _ => Ok(None),
    }
}

fn authentication(id: PrincipalId, now: UnixTime, mut auth: Table) -> Result<Authentication, String> {
    let at = match (auth.take_raw("time"), auth.take::<u64>("age")?) {
        (Some(time), None) => moment(time)?,
        (None, Some(age)) => now.saturating_sub(Duration::from_secs(age)),
        (None, None) => now,
        (Some(_), Some(_)) => return Err("auth: either time or age".to_owned()),
    };
    let mut event = Authentication::new(id, Method::PASSWORD, at, AuthEpoch::ZERO);
    if let Some(methods) = auth.take::<Vec<Method>>("methods")? {
        event = event.with_methods(methods);
    }
    if let Some(assurance) = auth.take::<Assurance>("assurance")? {
        event = event.with_assurance(assurance);
    }
    match auth.0.into_keys().next() {
        Some(unknown) => Err(format!("auth: {unknown} is not known")),
        None => Ok(event),
    }
}

/// Seconds since 1970, or a text of RFC 3339.
fn moment(time: Json) -> Result<UnixTime, String> {
    match AttributeType::Scalar(ScalarType::Time).deserialize(time) {
        Ok(Value::Time(time)) => Ok(time),
        Ok(_) => Err("time: not a moment".to_owned()),
        Err(error) => Err(format!("time: {error}")),
    }
}
