//! Conditions against Cedar's, on what both have: equality, order, arithmetic, sets, patterns, decimals, addresses.
//!
//! The two agree on what a comparison is and on when it has no value. They differ in what follows: Cedar's `&&` and `||`
//! fail with their left side, and a policy that fails is skipped; ours leave open what is not known. So Cedar is asked for
//! every comparison by itself, Kleene's tables make one answer of them, and that is what ours must be; and where Cedar's
//! own evaluation of the whole does not fail, it must be that as well.

use std::collections::BTreeMap;

use auth_core::{
    AccessRequest, Action, Effect, Indeterminate, PolicyVersion, PrincipalId, Resource, ResourceKind,
    UnixTime, testing::authenticated_as,
};
use auth_rbac::{
    Abac, Actions, AttributeMap, AttributeName, Condition, Engine, Kinds, Rule, RuleName, Schema, Value,
};
use cedar_policy::{Authorizer, Context, Decision, Entities, EntityUid, PolicySet, Request};
use proptest::prelude::*;

const NOW: UnixTime = UnixTime::from_secs(1_000);
const READ: Action = Action::from_static("read");
const THING: ResourceKind = ResourceKind::from_static("thing");

/// A condition: a comparison in both languages, or some joined.
#[derive(Debug, Clone)]
enum Tree {
    Atom { ours: String, cedar: String },
    Not(Box<Tree>),
    All(Vec<Tree>),
    Any(Vec<Tree>),
}

impl Tree {
    fn ours(&self) -> String {
        self.write(&|ours, _| ours.to_owned())
    }

    fn cedar(&self) -> String {
        self.write(&|_, cedar| format!("({cedar})"))
    }

    fn write(&self, atom: &dyn Fn(&str, &str) -> String) -> String {
        let join = |list: &[Self], sign: &str| {
            list.iter().map(|tree| format!("({})", tree.write(atom))).collect::<Vec<_>>().join(sign)
        };
        match self {
            Self::Atom { ours, cedar } => atom(ours, cedar),
            Self::Not(inner) => format!("!({})", inner.write(atom)),
            Self::All(list) => join(list, " && "),
            Self::Any(list) => join(list, " || "),
        }
    }

    /// Kleene's logic over what Cedar says of each comparison.
    fn kleene(&self, ask: &dyn Fn(&str) -> Option<bool>) -> Option<bool> {
        let joined = |list: &[Self], ends: bool| {
            let answers: Vec<_> = list.iter().map(|tree| tree.kleene(ask)).collect();
            if answers.contains(&Some(ends)) {
                Some(ends)
            } else if answers.contains(&None) {
                None
            } else {
                Some(!ends)
            }
        };
        match self {
            Self::Atom { cedar, .. } => ask(cedar),
            Self::Not(inner) => inner.kleene(ask).map(|is| !is),
            Self::All(list) => joined(list, false),
            Self::Any(list) => joined(list, true),
        }
    }
}

fn pick<T: Clone + std::fmt::Debug + 'static>(list: &[T]) -> impl Strategy<Value = T> + use<T> {
    prop::sample::select(list.to_vec())
}

fn number() -> impl Strategy<Value = i64> {
    prop_oneof![4 => -3..4_i64, 1 => Just(i64::MAX), 1 => Just(i64::MIN)]
}

fn word() -> impl Strategy<Value = &'static str> {
    pick(&["a", "b", "ab", "", "ä", "*"])
}

fn decimal() -> impl Strategy<Value = &'static str> {
    pick(&["0.0", "1.5", "-1.5", "99.9999", "922337203685477.5807", "-922337203685477.5808"])
}

fn order() -> impl Strategy<Value = &'static str> {
    pick(&["==", "!=", "<", "<=", ">", ">="])
}

fn atom() -> impl Strategy<Value = Tree> {
    let both = |text: String| Tree::Atom { ours: text.clone(), cedar: text };
    let quoted = |text: &str| format!("\"{text}\"");
    prop_oneof![
        (pick(&["==", "!="]), word())
            .prop_map(move |(by, word)| both(format!("resource.owner {by} {}", quoted(word)))),
        (pick(&["==", "!="])).prop_map(move |by| both(format!("resource.owner {by} principal.name"))),
        (order(), number()).prop_map(move |(by, n)| both(format!("resource.level {by} {n}"))),
        (pick(&["+", "-", "*"]), number(), order(), number())
            .prop_map(move |(op, n, by, m)| both(format!("resource.level {op} {n} {by} {m}"))),
        (order(), pick(&["+", "-"])).prop_map(move |(by, op)| both(format!(
            "resource.level {op} principal.rank {by} resource.level"
        ))),
        pick(&["resource.public", "resource.public == true", "resource.public != true"])
            .prop_map(move |text| both(text.to_owned())),
        "[ab*]{0,4}".prop_map(move |pattern| both(format!("resource.owner like \"{pattern}\""))),
        pick(&["owner", "level", "public", "departments", "amount", "ip"]).prop_map(|name| Tree::Atom {
            ours: format!("has resource.{name}"),
            cedar: format!("resource has {name}"),
        }),
        word().prop_map(move |word| Tree::Atom {
            ours: format!("{} in resource.departments", quoted(word)),
            cedar: format!("resource.departments.contains({})", quoted(word)),
        }),
        (number(), number()).prop_map(|(n, m)| Tree::Atom {
            ours: format!("resource.level in [{n}, {m}]"),
            cedar: format!("[{n}, {m}].contains(resource.level)"),
        }),
        (
            pick(&[
                ("<", "lessThan"),
                ("<=", "lessThanOrEqual"),
                (">", "greaterThan"),
                (">=", "greaterThanOrEqual")
            ]),
            decimal()
        )
            .prop_map(|((by, method), number)| Tree::Atom {
                ours: format!("resource.amount {by} {number}"),
                cedar: format!("resource.amount.{method}(decimal(\"{number}\"))"),
            }),
        decimal().prop_map(|number| Tree::Atom {
            ours: format!("resource.amount == {number}"),
            cedar: format!("resource.amount == decimal(\"{number}\")"),
        }),
        pick(&["10.0.0.0/8", "10.1.2.3/32", "0.0.0.0/0", "::/0", "2001:db8::/32"]).prop_map(|network| {
            Tree::Atom {
                ours: format!("resource.ip in cidr(\"{network}\")"),
                cedar: format!("resource.ip.isInRange(ip(\"{network}\"))"),
            }
        }),
    ]
}

fn tree() -> impl Strategy<Value = Tree> {
    atom().prop_recursive(3, 12, 3, |tree| {
        prop_oneof![
            tree.clone().prop_map(|inner| Tree::Not(Box::new(inner))),
            prop::collection::vec(tree.clone(), 2..4).prop_map(Tree::All),
            prop::collection::vec(tree, 2..4).prop_map(Tree::Any),
        ]
    })
}

/// The attributes of a thing, for both: each may be missing.
#[derive(Debug, Clone)]
struct Thing {
    ours: AttributeMap,
    cedar: BTreeMap<&'static str, serde_json::Value>,
}

fn thing() -> impl Strategy<Value = Thing> {
    let maybe = |strategy: BoxedStrategy<(Value, serde_json::Value)>| prop::option::weighted(0.8, strategy);
    let call = |function: &str, text: &str| serde_json::json!({ "__extn": { "fn": function, "arg": text } });
    let texts = prop::collection::vec(word(), 0..3)
        .prop_map(|words| (Value::from(&words[..]), serde_json::json!(words)));
    let amount =
        decimal().prop_map(move |text| (Value::Decimal(text.parse().unwrap()), call("decimal", text)));
    let ip = pick(&["10.1.2.3", "192.0.2.1", "2001:db8::1", "::1"])
        .prop_map(move |text| (Value::Address(text.parse().unwrap()), call("ip", text)));
    (
        maybe(word().prop_map(|word| (Value::from(word), serde_json::json!(word))).boxed()),
        maybe(number().prop_map(|number| (Value::from(number), serde_json::json!(number))).boxed()),
        maybe(any::<bool>().prop_map(|is| (Value::from(is), serde_json::json!(is))).boxed()),
        maybe(texts.boxed()),
        maybe(amount.boxed()),
        maybe(ip.boxed()),
    )
        .prop_map(|(owner, level, public, departments, amount, ip)| {
            let mut thing = Thing { ours: AttributeMap::new(), cedar: BTreeMap::new() };
            let all = [
                ("owner", owner),
                ("level", level),
                ("public", public),
                ("departments", departments),
                ("amount", amount),
                ("ip", ip),
            ];
            for (name, value) in all {
                if let Some((ours, cedar)) = value {
                    thing.ours.insert(AttributeName::parse(name).unwrap(), ours);
                    thing.cedar.insert(name, cedar);
                }
            }
            thing
        })
}

fn schema() -> Schema {
    let mut schema = Schema::new();
    schema.action("read").unwrap().principal("name", "text").unwrap().principal("rank", "integer").unwrap();
    for (name, declared) in [
        ("owner", "text?"),
        ("level", "integer?"),
        ("public", "bool?"),
        ("departments", "set<text>?"),
        ("amount", "decimal?"),
        ("ip", "address?"),
    ] {
        schema.resource("thing", name, declared).unwrap();
    }
    schema
}

/// What ours say: true, false, or neither.
fn ours(text: &str, thing: &Thing) -> Option<bool> {
    let condition = Condition::parse(text).unwrap_or_else(|error| panic!("{error}"));
    let rule =
        Rule::permit(RuleName::parse("r").unwrap(), Actions::these([READ]), Kinds::One(THING), condition);
    let abac =
        Abac::compile(PolicyVersion::new(1), &schema(), &[rule]).unwrap_or_else(|error| panic!("{error}"));
    let who = authenticated_as(&PrincipalId::local_user("ann").unwrap(), NOW);
    let person = AttributeMap::new()
        .with(AttributeName::parse("name").unwrap(), "a")
        .with(AttributeName::parse("rank").unwrap(), 2_i64);
    let resource = Resource::one(THING, "1").unwrap();
    let action = READ;
    let request = AccessRequest::new(&who, &action, &resource, NOW)
        .with_principal_attributes(&person)
        .with_resource_attributes(&thing.ours);
    match abac.evaluate(&request).unwrap().effect() {
        Effect::Permit => Some(true),
        Effect::NotApplicable => Some(false),
        Effect::Indeterminate(Indeterminate::Permit) => None,
        other => panic!("{other:?}"),
    }
}

/// What Cedar says: true, false, or an error.
fn cedar(text: &str, entities: &Entities) -> Option<bool> {
    let id = |text: &str| text.parse::<EntityUid>().unwrap();
    let policies: PolicySet = format!("permit(principal, action, resource) when {{ {text} }};")
        .parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"));
    let request =
        Request::new(id("User::\"ann\""), id("Action::\"read\""), id("Thing::\"1\""), Context::empty(), None)
            .unwrap();
    let answer = Authorizer::new().is_authorized(&request, &policies, entities);
    match answer.diagnostics().errors().next() {
        Some(_) => None,
        None => Some(answer.decision() == Decision::Allow),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_condition_means_what_cedar_means_by_it(tree in tree(), thing in thing()) {
        let entities = serde_json::json!([
            { "uid": { "type": "User", "id": "ann" }, "attrs": { "name": "a", "rank": 2 }, "parents": [] },
            { "uid": { "type": "Thing", "id": "1" }, "attrs": thing.cedar, "parents": [] },
        ]);
        let entities = Entities::from_json_value(entities, None).unwrap();
        let expected = tree.kleene(&|atom| cedar(atom, &entities));
        prop_assert_eq!(ours(&tree.ours(), &thing), expected, "{}", tree.ours());
        if let Some(whole) = cedar(&tree.cedar(), &entities) {
            prop_assert_eq!(Some(whole), expected, "{}", tree.cedar());
        }
    }
}
