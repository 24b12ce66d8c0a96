//! Policies by the descriptions of others, once for each implementation, and questions with their answers.
//!
//! `tinytodo`, `github` and `gdrive` are the three of "Cedar: A New Language for Expressive, Fast, Safe, and Analyzable
//! Authorization" (OOPSLA 2024), re-expressed: lists shared with teams, repositories with a group for each role, and
//! documents in folders.

use std::{fmt::Write as _, time::Instant};

use auth_benches::Numbers;
use auth_core::{
    Action, AttributeValue, Attributes, Authenticated, PolicyVersion, PrincipalId, Resource, ResourceKind,
    UnixTime, testing::authenticated_as,
};
use auth_rbac::{Abac, Actions, Condition, Kinds, Rule, RuleName, Schema};

pub const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

/// Who asks.
#[derive(Debug, Clone, Default)]
pub struct Person {
    pub groups: Vec<String>,
    pub views: Vec<String>,
    pub clearance: i64,
}

impl Attributes for Person {
    fn attribute(&self, name: &str) -> Option<AttributeValue<'_>> {
        match name {
            "groups" => Some(AttributeValue::Strings(&self.groups)),
            "views" => Some(AttributeValue::Strings(&self.views)),
            "clearance" => Some(AttributeValue::Integer(self.clearance)),
            _ => None,
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Thing {
    pub owner: String,
    /// Readers, triagers, writers, maintainers, administrators; or readers and editors.
    pub roles: [String; 5],
    pub folders: Vec<String>,
    pub public: bool,
    pub level: i64,
}

impl Attributes for Thing {
    fn attribute(&self, name: &str) -> Option<AttributeValue<'_>> {
        let role = |n: usize| Some(AttributeValue::Text(&self.roles[n]));
        match name {
            "owner" => Some(AttributeValue::Text(&self.owner)),
            "readers" => role(0),
            "triagers" => role(1),
            "editors" | "writers" => role(2),
            "maintainers" => role(3),
            "admins" => role(4),
            "folders" => Some(AttributeValue::Strings(&self.folders)),
            "public" => Some(AttributeValue::Bool(self.public)),
            "level" => Some(AttributeValue::Integer(self.level)),
            _ => None,
        }
    }
}

/// A question, and the answer to it.
pub struct Question {
    pub who: Authenticated,
    pub person: Person,
    pub action: Action,
    pub resource: Resource,
    pub thing: Thing,
    pub expected: bool,
}

/// A policy, the questions, and the same in Cedar: policies, entities.
pub struct Workload {
    pub name: String,
    pub abac: Abac,
    pub questions: Vec<Question>,
    #[cfg_attr(not(feature = "peers"), expect(dead_code, reason = "the peer's"))]
    pub cedar: String,
    #[cfg_attr(not(feature = "peers"), expect(dead_code, reason = "the peer's"))]
    pub entities: serde_json::Value,
}

fn schema(kind: &str, actions: &[&str], attributes: &[(&str, &str)]) -> Schema {
    let mut schema = Schema::new();
    for action in actions {
        schema.action(action).unwrap();
    }
    schema.principal("groups", "set<text>").unwrap();
    schema.principal("views", "set<text>").unwrap().principal("clearance", "integer").unwrap();
    for (name, declared) in attributes {
        schema.resource(kind, name, declared).unwrap();
    }
    schema
}

fn rule(n: usize, actions: &[&str], kind: &str, condition: &str) -> Rule {
    Rule::permit(
        RuleName::parse(&format!("rule{n}")).unwrap(),
        Actions::these(actions.iter().map(|action| Action::parse(action).unwrap())),
        Kinds::One(ResourceKind::parse(kind).unwrap()),
        Condition::parse(condition).unwrap(),
    )
}

fn compile(schema: &Schema, kind: &str, rules: &[(&[&str], &str)]) -> Abac {
    let rules: Vec<Rule> =
        rules.iter().enumerate().map(|(n, (actions, condition))| rule(n, actions, kind, condition)).collect();
    Abac::compile(PolicyVersion::new(1), schema, &rules).unwrap()
}

fn who(user: &str) -> Authenticated {
    authenticated_as(&PrincipalId::local_user(user).unwrap(), NOW)
}

fn uid(kind: &str, id: &str) -> serde_json::Value {
    serde_json::json!({ "type": kind, "id": id })
}

fn reference(kind: &str, id: &str) -> serde_json::Value {
    serde_json::json!({ "__entity": uid(kind, id) })
}

fn entity(
    kind: &str,
    id: &str,
    attributes: serde_json::Value,
    parents: &[serde_json::Value],
) -> serde_json::Value {
    serde_json::json!({ "uid": uid(kind, id), "attrs": attributes, "parents": parents })
}

/// `entities` of each kind, and groups in groups; each user is in some groups, and in all that they are in.
struct World {
    numbers: Numbers,
    entities: u64,
    /// The groups that each group is in, itself included.
    groups: Vec<Vec<u64>>,
    users: Vec<Vec<u64>>,
}

impl World {
    fn new(entities: u64) -> Self {
        let mut numbers = Numbers::new(entities);
        let mut groups: Vec<Vec<u64>> = Vec::new();
        for group in 0..entities {
            let mut all = vec![group];
            if group > 0 && numbers.below(2) == 0 {
                all.extend(&groups[numbers.below(group) as usize]);
            }
            groups.push(all);
        }
        let users = (0..entities)
            .map(|_| {
                let mut all: Vec<u64> = (0..=numbers.below(2))
                    .flat_map(|_| groups[numbers.below(entities) as usize].clone())
                    .collect();
                all.sort_unstable();
                all.dedup();
                all
            })
            .collect();
        Self { numbers, entities, groups, users }
    }

    fn below(&mut self) -> u64 {
        self.numbers.below(self.entities)
    }

    fn group(&mut self) -> String {
        format!("group{}", self.below())
    }

    fn of(&self, user: u64) -> Vec<String> {
        self.users[user as usize].iter().map(|group| format!("group{group}")).collect()
    }

    fn cedar(&self) -> Vec<serde_json::Value> {
        let none = || serde_json::json!({});
        let mut entities = Vec::new();
        for (group, all) in self.groups.iter().enumerate() {
            let parents: Vec<_> =
                all[1..].iter().map(|parent| uid("Group", &format!("group{parent}"))).collect();
            entities.push(entity("Group", &format!("group{group}"), none(), &parents));
        }
        for (user, all) in self.users.iter().enumerate() {
            let parents: Vec<_> = all.iter().map(|group| uid("Group", &format!("group{group}"))).collect();
            entities.push(entity("User", &format!("user{user}"), none(), &parents));
        }
        entities
    }
}

const QUESTIONS: u64 = 200;

pub fn tinytodo(entities: u64) -> Workload {
    const LISTED: [&str; 5] = ["list.get", "list.update", "list.delete", "task.create", "task.update"];
    let schema = schema("list", &LISTED, &[("owner", "text"), ("readers", "text"), ("editors", "text")]);
    let abac = compile(
        &schema,
        "list",
        &[
            (&LISTED, "resource.owner == principal.id"),
            (&["list.get"], "resource.readers in principal.groups || resource.editors in principal.groups"),
            (&["list.update", "task.create", "task.update"], "resource.editors in principal.groups"),
        ],
    );
    let mut world = World::new(entities);
    let lists: Vec<Thing> = (0..entities)
        .map(|_| {
            let roles = [world.group(), String::new(), world.group(), String::new(), String::new()];
            Thing { owner: format!("user{}", world.below()), roles, ..Thing::default() }
        })
        .collect();
    let questions = (0..QUESTIONS)
        .map(|_| {
            let (user, list) = (world.below(), world.below());
            let (action, thing) = (LISTED[world.numbers.below(5) as usize], &lists[list as usize]);
            let groups = world.of(user);
            let [reads, edits] = [0, 2].map(|role: usize| groups.contains(&thing.roles[role]));
            let expected = thing.owner == format!("user{user}")
                || (action == "list.get" && (reads || edits))
                || (action != "list.get" && action != "list.delete" && edits);
            question(user, groups, action, "list", list, thing.clone(), expected)
        })
        .collect();
    let mut all = world.cedar();
    for (n, list) in lists.iter().enumerate() {
        let attributes = serde_json::json!({
            "owner": reference("User", &list.owner),
            "readers": reference("Group", &list.roles[0]), "editors": reference("Group", &list.roles[2]),
        });
        all.push(entity("List", &format!("list{n}"), attributes, &[]));
    }
    let cedar = r#"
        permit(principal, action, resource is List) when { resource.owner == principal };
        permit(principal, action == Action::"list.get", resource is List)
            when { principal in resource.readers || principal in resource.editors };
        permit(principal, action in [Action::"list.update", Action::"task.create", Action::"task.update"], resource is List)
            when { principal in resource.editors };"#;
    Workload {
        name: format!("tinytodo-{entities}"),
        abac,
        questions,
        cedar: cedar.to_owned(),
        entities: all.into(),
    }
}

pub fn github(entities: u64) -> Workload {
    const ROLES: [&str; 5] = ["readers", "triagers", "writers", "maintainers", "admins"];
    const ACTIONS: [(&str, usize); 9] = [
        ("repo.pull", 0),
        ("repo.fork", 0),
        ("issue.delete", 3),
        ("issue.edit", 2),
        ("issue.assign", 1),
        ("repo.push", 2),
        ("repo.add-reader", 4),
        ("repo.add-writer", 4),
        ("repo.add-admin", 4),
    ];
    let actions = ACTIONS.map(|(action, _)| action);
    let schema = schema("repo", &actions, &ROLES.map(|role| (role, "text")));
    let conditions = ROLES.map(|role| format!("resource.{role} in principal.groups"));
    let single = ACTIONS.map(|(action, role)| ([action], role));
    let rules: Vec<(&[&str], &str)> =
        single.iter().map(|(action, role)| (&action[..], conditions[*role].as_str())).collect();
    let abac = compile(&schema, "repo", &rules);
    let mut world = World::new(entities);
    let repos: Vec<Thing> = (0..entities)
        .map(|_| Thing { roles: std::array::from_fn(|_| world.group()), ..Thing::default() })
        .collect();
    let questions = (0..QUESTIONS)
        .map(|_| {
            let (user, repo) = (world.below(), world.below());
            let ((action, role), thing) = (ACTIONS[world.numbers.below(9) as usize], &repos[repo as usize]);
            let groups = world.of(user);
            let expected = groups.contains(&thing.roles[role]);
            question(user, groups, action, "repo", repo, thing.clone(), expected)
        })
        .collect();
    let mut all = world.cedar();
    for (n, repo) in repos.iter().enumerate() {
        let attributes: serde_json::Map<_, _> = ROLES
            .iter()
            .zip(&repo.roles)
            .map(|(role, group)| ((*role).to_owned(), reference("Group", group)))
            .collect();
        all.push(entity("Repo", &format!("repo{n}"), attributes.into(), &[]));
    }
    let mut cedar = String::new();
    for (action, role) in ACTIONS {
        let role = ROLES[role];
        writeln!(cedar, "permit(principal, action == Action::\"{action}\", resource is Repo) when {{ principal in resource.{role} }};").unwrap();
    }
    Workload { name: format!("github-{entities}"), abac, questions, cedar, entities: all.into() }
}

pub fn gdrive(entities: u64) -> Workload {
    let actions = ["document.read", "document.write", "document.share"];
    let schema =
        schema("document", &actions, &[("owner", "text"), ("folders", "set<text>"), ("public", "bool")]);
    let abac = compile(
        &schema,
        "document",
        &[
            (&["document.read"], "any(folder in resource.folders: folder in principal.views)"),
            (&["document.read"], "resource.public"),
            (&actions, "resource.owner == principal.id"),
        ],
    );
    let mut world = World::new(entities);
    // Folders are nested as groups are.
    let documents: Vec<Thing> = (0..entities)
        .map(|_| {
            let folder = world.below() as usize;
            let folders = world.groups[folder].iter().map(|folder| format!("folder{folder}")).collect();
            let public = world.numbers.below(10) == 0;
            Thing { owner: format!("user{}", world.below()), folders, public, ..Thing::default() }
        })
        .collect();
    let views: Vec<Vec<String>> = (0..entities)
        .map(|_| (0..=world.numbers.below(4)).map(|_| format!("folder{}", world.below())).collect())
        .collect();
    let questions = (0..QUESTIONS)
        .map(|_| {
            let (user, document) = (world.below(), world.below());
            let (action, thing) = (actions[world.numbers.below(3) as usize], &documents[document as usize]);
            let seen = thing.folders.iter().any(|folder| views[user as usize].contains(folder));
            let expected =
                thing.owner == format!("user{user}") || (action == "document.read" && (thing.public || seen));
            let mut question =
                question(user, Vec::new(), action, "document", document, thing.clone(), expected);
            question.person.views = views[user as usize].clone();
            question
        })
        .collect();
    let mut all = Vec::new();
    for (folder, parents) in world.groups.iter().enumerate() {
        let parents: Vec<_> =
            parents[1..].iter().map(|parent| uid("Folder", &format!("folder{parent}"))).collect();
        all.push(entity("Folder", &format!("folder{folder}"), serde_json::json!({}), &parents));
    }
    for (user, views) in views.iter().enumerate() {
        let views: Vec<_> = views.iter().map(|folder| reference("Folder", folder)).collect();
        all.push(entity("User", &format!("user{user}"), serde_json::json!({ "views": views }), &[]));
    }
    for (n, document) in documents.iter().enumerate() {
        let parents: Vec<_> = document.folders.iter().map(|folder| uid("Folder", folder)).collect();
        let attributes =
            serde_json::json!({ "owner": reference("User", &document.owner), "public": document.public });
        all.push(entity("Document", &format!("document{n}"), attributes, &parents));
    }
    let cedar = r#"
        permit(principal, action == Action::"document.read", resource is Document) when { resource in principal.views };
        permit(principal, action == Action::"document.read", resource is Document) when { resource.public };
        permit(principal, action, resource is Document) when { resource.owner == principal };"#;
    Workload {
        name: format!("gdrive-{entities}"),
        abac,
        questions,
        cedar: cedar.to_owned(),
        entities: all.into(),
    }
}

fn question(
    user: u64,
    groups: Vec<String>,
    action: &str,
    kind: &str,
    thing_number: u64,
    thing: Thing,
    expected: bool,
) -> Question {
    Question {
        who: who(&format!("user{user}")),
        person: Person { groups, ..Person::default() },
        action: Action::parse(action).unwrap(),
        resource: Resource::one(ResourceKind::parse(kind).unwrap(), &format!("{kind}{thing_number}"))
            .unwrap(),
        thing,
        expected,
    }
}

/// So many rules about one action and kind. Told apart by an owner, or by nothing that an index could use: then every
/// rule is evaluated, and the last one applies or none.
pub fn many(rules: u64, indexable: bool) -> Workload {
    let schema = schema("thing", &["thing.read"], &[("owner", "text"), ("level", "integer")]);
    let mut cedar = String::new();
    let all: Vec<Rule> = (0..rules)
        .map(|n| {
            let (ours, theirs) = if indexable {
                let condition = format!("resource.owner == \"user{n}\" && principal.clearance >= 2");
                (condition.clone(), condition)
            } else {
                let above = if n + 1 == rules { 8 } else { n % 7 };
                let condition = format!("resource.level >= {n} && principal.clearance < {above}");
                (condition.clone(), condition)
            };
            writeln!(
                cedar,
                "permit(principal, action == Action::\"thing.read\", resource is Thing) when {{ {theirs} }};"
            )
            .unwrap();
            rule(n as usize, &["thing.read"], "thing", &ours)
        })
        .collect();
    let start = Instant::now();
    let abac = Abac::compile(PolicyVersion::new(1), &schema, &all).unwrap();
    let compiled_in = start.elapsed();
    // Half of the questions are answered by a rule in the middle, or by the last one; the others by none.
    let questions: Vec<Question> = (0..2)
        .map(|n| {
            let owner = if n == 0 { format!("user{}", rules / 2) } else { "nobody".to_owned() };
            let level = i64::try_from(rules - 2 * n).unwrap();
            let thing = Thing { owner, level, ..Thing::default() };
            let mut question = question(n, Vec::new(), "thing.read", "thing", n, thing, n == 0);
            question.person.clearance = 7;
            question
        })
        .collect();
    let entities = questions
        .iter()
        .enumerate()
        .flat_map(|(n, question)| {
            let attributes =
                serde_json::json!({ "owner": question.thing.owner, "level": question.thing.level });
            [
                entity("User", &format!("user{n}"), serde_json::json!({ "clearance": 7 }), &[]),
                entity("Thing", &format!("thing{n}"), attributes, &[]),
            ]
        })
        .collect();
    let kind = if indexable { "indexable" } else { "scanned" };
    println!("abac/{kind}-{rules}-compile/ours: {compiled_in:?}, once");
    Workload { name: format!("{kind}-{rules}"), abac, questions, cedar, entities }
}
