//! What is refused before any request is made.

use auth_core::{Action, ResourceKind};
use auth_rbac::{
    Abac, AbacError, Actions, Condition, ConditionProblem, Kinds, Rule, RuleProblem, Schema, SchemaError,
    Value,
};

use super::{DOCUMENT, READ, V1, condition, deny, name, permit, schema};

/// What compiling a rule with this condition says.
fn refused(text: &str) -> String {
    let rule = match Condition::parse(text) {
        Ok(_) => permit("r", text),
        Err(error) => return error.to_string(),
    };
    match Abac::compile(V1, &schema(), &[rule]) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("{text} is accepted"),
    }
}

/// An ill-typed clause is refused, never dropped (cerbos#1333).
#[test]
fn what_can_never_be_right_is_refused_where_it_stands() {
    for (text, problem, column) in [
        ("resource.owner == 1", "text == integer compares different types", 1),
        ("true && resource.owner == principal.departments", "text == set<text> compares different types", 9),
        ("resource.owner < principal.id", "values of type text are not compared by <", 1),
        ("resource.public > false", "values of type bool are not compared by >", 1),
        (
            "resource.departments == principal.departments",
            "values of type set<text> are not compared by ==",
            1,
        ),
        (
            "resource.ownr == principal.id",
            "there is no attribute resource.ownr; did you mean resource.owner?",
            1,
        ),
        (
            "true && context.tmie == context.time",
            "there is no attribute context.tmie; did you mean context.time?",
            9,
        ),
        ("resource.nonsense == principal.id", "there is no attribute resource.nonsense", 1),
        ("context.time.hours in 9..17", "there is no attribute context.time.hours", 1),
        ("has resource.expires.hour", "there is no attribute resource.expires.hour", 1),
        ("matches(resource.path)", "there is no function matches", 1),
        ("resource.level == d", "there is no d here", 19),
        (
            "any(d in resource.numbers: any(d in resource.numbers: true))",
            "d is the name of another element already",
            28,
        ),
        ("any(d in resource.owner: true)", "expected a set, found a value of type text", 10),
        ("size(resource.owner) == 1", "expected a set, found a value of type text", 6),
        ("resource.owner", "expected a condition, found a value of type text", 1),
        (r#"resource.level like "1*""#, "expected a text, found a value of type integer", 1),
        (r#"context.ip == "10.0.0.1""#, "address == text compares different types", 1),
        (r#"context.ip in "10.0.0.0/8""#, "a value of type address is never in one of type text", 1),
        (r#"1 in principal.departments"#, "a value of type integer is never in one of type set<text>", 1),
        (
            "principal.departments in principal.departments",
            "a value of type set<text> is never in one of type set<text>",
            1,
        ),
        ("resource.owner in 1..2", "text >= integer compares different types", 1),
        ("context.time.hour in 17..9", "no value is in this range", 1),
        ("context.time.hour in 9..9", "no value is in this range", 1),
        ("resource.level + resource.amount == 1", "integer + decimal cannot be computed", 1),
        ("resource.owner + resource.owner == \"aa\"", "text + text cannot be computed", 1),
        ("resource.expires + resource.expires == context.time", "time + time cannot be computed", 1),
        ("resource.level.hour == 1", "there is no attribute resource.level.hour", 1),
        ("resource.author == principal.id", "principal == text compares different types", 1),
    ] {
        let error = refused(text);
        assert!(error.contains(problem), "{text}: {error}");
        assert!(error.contains(&format!("line 1, column {column}: ")), "{text}: {error}");
    }
}

#[test]
fn what_is_not_a_condition_is_refused_where_it_ends() {
    for (text, problem) in [
        ("", "column 1: expected a value or a condition, found the end"),
        (
            "resource.owner = principal.id",
            "column 16: expected an operator, found `=`; equality is written `==`",
        ),
        ("true & false", "column 6: expected an operator, found `&`; conjunction is written `&&`"),
        ("true | false", "column 6: expected an operator, found `|`; disjunction is written `||`"),
        ("true and false", "column 6: expected an operator, found `and`; conjunction is written `&&`"),
        ("true false", "column 6: expected an operator, or the end, found `false`"),
        ("1 < 2 < 3", "column 7: expected `&&`, `||` or the end, found `<`; comparisons are not chained"),
        (
            "!resource.owner == principal.id",
            "column 17: expected `&&`, `||` or the end, found `==`; the contrary of a comparison is `!(..)`",
        ),
        ("'a' == 'a'", "column 1: expected a text between quotation marks, found `'`; they are `\"`"),
        ("\"a", "column 1: expected a text between quotation marks, found `\"`; it does not end"),
        ("(true", "column 6: expected `)`, found the end"),
        ("true)", "column 5: expected an operator, or the end, found `)`"),
        ("has principal", "column 14: expected `.` and the name of an attribute, found the end"),
        ("resource == 1", "column 10: expected `.` and the name of an attribute, found `==`"),
        ("1", "column 1: expected a condition, found `1`"),
        ("(1 == 1) + 2 == 3", "column 1: expected a value, found `(1 == 1)`"),
        ("resource.level in []", "column 20: expected a value or a condition, found `]`"),
        ("resource.level in [1, \"a\"]", "column 19: a set is of values of one type, not booleans"),
        ("resource.level in [resource.level]", "column 20: expected a constant, found `resource.level`"),
        ("resource.level == 9223372036854775808", "column 19: a number that is too large"),
        (
            "resource.amount == 1.00001",
            "column 20: a number that is too large, or has more than four digits after the point",
        ),
        ("resource.amount == 1e5", "column 20: not a duration"),
        ("resource.keep == 5w", "column 18: not a duration"),
        ("resource.amount == NaN", "column 20: there is no NaN here"),
        (r#"context.ip in cidr("10.0.0.1/8")"#, "column 20: not a range of addresses"),
        (r#"context.ip == ip("10.0.0.256")"#, "column 18: not an address"),
        (r#"context.time == time("yesterday")"#, "column 22: not a time"),
        (r#"context.time.zone("Mars/Olympus").hour == 1"#, "column 19: not a time zone that is known"),
        (r#"resource.path like resource.owner"#, "column 20: expected a pattern between quotation marks"),
        (r#"resource.path like "\d+""#, "column 20: a backslash stands before"),
        ("any(true in resource.numbers: true)", "column 5: expected a name for the element, found `true`"),
        ("any(d of resource.numbers: true)", "column 7: expected `in` and a set, found `of`"),
        (
            "resource.owner == \"a\u{202e}b\"",
            "column 19: a character that cannot be seen is written `\\u{..}`",
        ),
        (
            "true \u{200b}",
            "column 6: expected a word, a sign, a number or a text, found the character U+200B",
        ),
        ("true && ü", "column 9: expected a word, a sign, a number or a text, found `ü`"),
    ] {
        let error = refused(text);
        assert!(error.contains(problem), "{text}: {error}");
    }
}

#[test]
fn a_caret_shows_the_place_in_its_line() {
    let error = Abac::compile(V1, &schema(), &[permit("late", "true &&\n  resource.level == principal.id")])
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "rule late: line 2, column 3: integer == text compares different types\n\
         2 |   resource.level == principal.id\n  |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"
    );
    // A tree that was not read from text is shown as its text.
    let built = Condition::new(condition("resource.level==principal.id").tree().clone()).unwrap();
    let rule = Rule::permit(name("built"), Actions::these([READ]), Kinds::One(DOCUMENT), built);
    let Err(AbacError::Rule { problem: RuleProblem::Condition(error), .. }) =
        Abac::compile(V1, &schema(), &[rule])
    else {
        panic!("accepted");
    };
    assert!(error.excerpt().starts_with("1 | resource.level == principal.id\n"), "{error}");
    assert!(matches!(error.problem(), ConditionProblem::Compare { .. }));
    // A line of any length is cut around the place.
    let long = format!("{} resource.nonsense", "true && ".repeat(100));
    let error = refused(&long);
    assert!(error.lines().all(|line| line.chars().count() < 150), "{error}");
    assert!(error.contains("resource.nonsense"), "{error}");
}

/// "Deny", "DENY " and "block" must fail at load, as must a misspelt field.
#[test]
fn a_rule_that_is_misspelt_is_refused() {
    let good = r#"{"name":"a","effect":"deny","actions":["documents.read"],"resource":"document","condition":"true"}"#;
    assert!(serde_json::from_str::<Rule>(good).is_ok());
    for (from, to) in [
        ("\"deny\"", "\"Deny\""),
        ("\"deny\"", "\"DENY \""),
        ("\"deny\"", "\"block\""),
        ("\"effect\":\"deny\",", ""),
        ("\"condition\":\"true\"", "\"conditions\":\"true\""),
        (",\"condition\":\"true\"", ""),
        ("\"condition\":\"true\"", "\"condition\":\"ture\\n&&\""),
        ("\"condition\":\"true\"", "\"condition\":{\"constant\":true,\"not\":{\"constant\":true}}"),
        ("\"condition\":\"true\"", "\"condition\":{\"always\":true}"),
        ("\"condition\":\"true\"", "\"condition\":true"),
        ("[\"documents.read\"]", "\"documents.read\""),
        ("[\"documents.read\"]", "\"all\""),
        (",\"resource\":\"document\"", ""),
        ("\"document\"", "\"do cument\""),
        ("}", ",\"unless\":\"true\"}"),
        ("}", ",\"challenge\":{\"max_age\":600}}"),
        ("}", ",\"challenge\":{\"max_age\":\"10 minutes\"}}"),
        ("}", ",\"challenge\":{\"assurance\":\"aal9\"}}"),
        ("}", ",\"challenge\":{\"age\":\"10m\"}}"),
    ] {
        assert!(good.contains(from));
        let bad = good.replacen(from, to, 1);
        assert!(serde_json::from_str::<Rule>(&bad).is_err(), "{bad}");
    }
}

#[test]
fn a_tree_with_a_field_too_many_is_refused() {
    for bad in [
        r#"{"compare":{"left":"principal","by":"==","right":"principal","unless":1}}"#,
        r#"{"compare":{"left":"principal","by":"=","right":"principal"}}"#,
        r#"{"all":[]}"#,
        r#"{"all":[{"constant":true}]}"#,
        r#"{"like":{"text":{"attribute":"resource.path"},"pattern":"\\d"}}"#,
        r#"{"has":"path"}"#,
        r#"{"is":{"constant":{"texts":[]}}}"#,
        r#"{"in":{"value":"principal","set":{"constant":{"texts":[]}}}}"#,
        r#"{"is":{"part":{"time":"principal","part":"second"}}}"#,
        r#"{"is":{"part":{"time":"principal","part":"hour","zone":"Mars/Olympus"}}}"#,
        r#"{"is":{"variable":"principal"}}"#,
    ] {
        assert!(serde_json::from_str::<Condition>(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_rule_about_what_is_not_declared_is_refused() {
    let problem = |rules: &[Rule]| match Abac::compile(V1, &schema(), rules) {
        Err(AbacError::Rule { problem, .. }) => problem,
        other => panic!("{other:?}"),
    };
    let mut rule = deny("r", "true");
    rule.actions = Actions::these([Action::from_static("documents.raed")]);
    assert_eq!(problem(&[rule.clone()]), RuleProblem::UnknownAction(Action::from_static("documents.raed")));
    rule.actions = Actions::these([]);
    assert_eq!(problem(&[rule]), RuleProblem::NoAction);
    let mut rule = deny("r", "true");
    rule.resource = Kinds::One(ResourceKind::from_static("documents"));
    assert_eq!(problem(&[rule]), RuleProblem::UnknownKind(ResourceKind::from_static("documents")));
    let mut rule = permit("r", "resource.owner == principal.id");
    rule.resource = Kinds::One(ResourceKind::from_static("folder"));
    assert!(matches!(problem(&[rule.clone()]), RuleProblem::Condition(_)));
    rule.resource = Kinds::Any;
    assert!(matches!(problem(&[rule]), RuleProblem::Condition(_)));
    assert_eq!(problem(&[permit("r", "true"), deny("r", "true")]), RuleProblem::Duplicate);
    assert_eq!(problem(&[deny("r", "true").with_obligation(READ)]), RuleProblem::Obligations);
    let nothing = serde_json::from_str("{}").unwrap();
    assert_eq!(problem(&[deny("r", "true").with_challenge(nothing)]), RuleProblem::Demand);
}

#[test]
fn a_schema_that_contradicts_itself_is_refused() {
    let mut schema = Schema::new();
    assert!(matches!(
        schema.principal("a", "text").unwrap().principal("a", "text"),
        Err(SchemaError::Twice(_))
    ));
    assert!(matches!(schema.principal("a b", "text"), Err(SchemaError::Name(_))));
    assert!(matches!(schema.principal("b", "string"), Err(SchemaError::Type(_))));
    assert!(matches!(schema.kind("a b"), Err(SchemaError::Kind(_))));
    let twice = |change: fn(&mut Schema)| {
        let mut schema = Schema::new();
        change(&mut schema);
        matches!(Abac::compile(V1, &schema, &[]), Err(AbacError::Schema(SchemaError::Twice(_))))
    };
    assert!(twice(|schema| drop(schema.context("auth.age", "duration").map(drop))));
    assert!(twice(|schema| drop(schema.context("time.hour", "integer").map(drop))));
    assert!(twice(|schema| drop(
        schema.context("until", "time").unwrap().context("until.day", "text").map(drop)
    )));
    assert!(twice(|schema| drop(schema.action_attribute("a", "name", "x").map(drop))));
    assert!(twice(|schema| {
        drop(
            schema
                .action_attribute("a", "risk", 1_i64)
                .unwrap()
                .action_attribute("b", "risk", "high")
                .map(drop),
        );
    }));
    for bad in
        [r#"{"principals":{}}"#, r#"{"principal":{"a":"Text"}}"#, r#"{"principal":{"a":{"type":"text"}}}"#]
    {
        assert!(serde_json::from_str::<Schema>(bad).is_err(), "{bad}");
    }
}

/// What is too large for a request is too large for an action: every condition on it would be indeterminate for ever.
#[test]
fn an_action_has_no_value_that_can_never_be_evaluated() {
    let check = |value: Value| {
        let mut schema = schema();
        schema.action_attribute("documents.read", "x", value).unwrap();
        Abac::compile(V1, &schema, &[]).map(drop)
    };
    let refused = Err(AbacError::Schema(SchemaError::Value("action.x".into())));
    let text = |len: usize| "a".repeat(len);
    assert_eq!(check(Value::Text(text(Value::MAX_TEXT_LEN))), Ok(()));
    assert_eq!(check(Value::Text(text(Value::MAX_TEXT_LEN + 1))), refused);
    assert_eq!(check(Value::Texts(vec![text(Value::MAX_TEXT_LEN + 1)])), refused);
    assert_eq!(check(Value::Integers(vec![1; Value::MAX_ELEMENTS])), Ok(()));
    assert_eq!(check(Value::Integers(vec![1; Value::MAX_ELEMENTS + 1])), refused);
    assert_eq!(check(Value::Duration(std::time::Duration::MAX)), refused);
    assert_eq!(check(Value::Durations(vec![std::time::Duration::MAX])), refused);
}

/// All were counted for each of them, and an attribute of actions was looked for in every action.
#[test]
fn a_schema_of_as_many_declarations_as_there_may_be_is_compiled() {
    let mut schema = Schema::new();
    let most = Schema::MAX_DECLARATIONS;
    for n in 0..most / 4 {
        schema.kind(&format!("kind{n}")).unwrap().action(&format!("action{n}")).unwrap();
    }
    for n in most / 2..most - 3 {
        schema.principal(&format!("attribute{n}"), "text?").unwrap();
    }
    schema.action_attribute("last", "writes", true).unwrap();
    let text = |schema: &Schema| serde_json::to_string(schema).unwrap();
    let read: Schema = serde_json::from_str(&text(&schema)).unwrap();
    assert_eq!(read, schema);
    for mut schema in [schema, read] {
        assert_eq!(schema.kind("kind0").map(drop), Ok(()), "it is declared already");
        let rule = |n: usize| {
            Rule::permit(
                name(&format!("r{n}")),
                Actions::these([Action::from_static("last")]),
                Kinds::Any,
                condition("action.writes"),
            )
        };
        let rules: Vec<Rule> = (0..10_000).map(rule).collect();
        Abac::compile(V1, &schema, &rules).unwrap();
        schema.context("fits", "text?").unwrap();
        assert_eq!(schema.kind("more").map(drop), Err(SchemaError::TooMany));
        assert_eq!(Abac::compile(V1, &schema, &[]).map(drop), Err(AbacError::Schema(SchemaError::TooMany)));
    }
}

/// Nothing in a map of plain values makes it something else (CVE-2026-55772).
#[test]
fn plain_attributes_are_read_as_what_the_schema_says() {
    use serde::de::DeserializeSeed;

    let read = |json: &str| {
        let schema = schema();
        schema
            .read_resource(&DOCUMENT)
            .deserialize(&mut serde_json::Deserializer::from_str(json))
            .map_err(|e| e.to_string())
    };
    let all = read(
        r#"{"owner":"ann","level":-3,"amount":"1.50","public":true,"expires":"2026-01-30T10:30:00Z","keep":"1h30m",
            "departments":["a","b"],"numbers":[],"networks":["10.0.0.0/8"]}"#,
    )
    .unwrap();
    assert_eq!(all.value("owner"), Some(&"ann".into()));
    assert_eq!(all.value("level"), Some(&(-3).into()));
    assert_eq!(all.value("amount"), Some(&Value::Decimal("1.5".parse().unwrap())));
    assert_eq!(all.value("expires"), Some(&super::NOW.into()));
    assert_eq!(all.value("numbers"), Some(&Value::Integers(vec![])));
    assert_eq!(read(r#"{"expires":1769769000}"#).unwrap().value("expires"), Some(&super::NOW.into()));
    for bad in [
        r#"{"owner":1}"#,
        r#"{"owner":null}"#,
        r#"{"owner":{"text":"ann"}}"#,
        r#"{"owner":{"__entity":{"type":"User","id":"ann"}}}"#,
        r#"{"owner":["ann"]}"#,
        r#"{"level":"3"}"#,
        r#"{"level":3.0}"#,
        r#"{"level":1e999}"#,
        r#"{"level":9223372036854775808}"#,
        r#"{"level":NaN}"#,
        r#"{"amount":1.5}"#,
        r#"{"amount":"1.00001"}"#,
        r#"{"public":"true"}"#,
        r#"{"public":1}"#,
        r#"{"expires":-1}"#,
        r#"{"keep":"90"}"#,
        r#"{"departments":"a"}"#,
        r#"{"departments":["a",1]}"#,
        r#"{"departments":[["a"]]}"#,
        r#"{"networks":["10.0.0.1/8"]}"#,
        r#"{"author":"ann"}"#,
        r#"{"owner":"ann","owner":"bob"}"#,
        r#"{"__entity":"x"}"#,
        r#"{"unknown":"x"}"#,
        r#"["owner"]"#,
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
    let too_many = format!(r#"{{"numbers":[{}1]}}"#, "1,".repeat(Value::MAX_ELEMENTS));
    assert!(read(&too_many).unwrap_err().contains("too many elements"));
    let too_long = format!(r#"{{"owner":"{}"}}"#, "a".repeat(Value::MAX_TEXT_LEN + 1));
    assert!(read(&too_long).unwrap_err().contains("too long"));

    let mut required = Schema::new();
    required.context("risk", "integer").unwrap();
    let context =
        |json: &str| required.read_context().deserialize(&mut serde_json::Deserializer::from_str(json));
    assert!(context(r#"{"risk":1,"device.managed":true,"location.country":"de"}"#).is_ok());
    assert!(context(r#"{"device.managed":true}"#).unwrap_err().to_string().contains("risk is missing"));
    assert!(context(r#"{"risk":1,"auth.assurance":3}"#).is_err(), "what the request tells is not supplied");
}

/// A clause that is read past would allow more than is written.
#[test]
fn a_condition_with_two_keys_is_refused() {
    let document = |condition: &str| {
        auth_rbac::document::PolicyDocument::from_toml(&format!(
            "format = 1\nversion = 1\n[[rules]]\nname = \"r\"\neffect = \"permit\"\nactions = [\"documents.read\"]\n\
             resource = \"document\"\n{condition}"
        ))
        .map_err(|error| error.to_string())
    };
    for good in [
        "condition = { constant = true }",
        "[rules.condition]\nconstant = true",
        "[rules.condition.not]\nconstant = true",
        "[[rules.condition.all]]\nconstant = true\n[[rules.condition.all]]\nhas = \"resource.owner\"",
    ] {
        document(good).unwrap_or_else(|error| panic!("{good}: {error}"));
    }
    for bad in [
        "condition = { constant = true, not = { constant = true } }",
        "condition = { constant = true, nott = { constant = true } }",
        "condition = { nott = { constant = true }, constant = true }",
        "condition = { not = { constant = true, has = \"resource.owner\" } }",
        "condition = {}",
        "[rules.condition]\nconstant = true\nhas = \"resource.owner\"",
        "[rules.condition]\nconstant = true\n[rules.condition.not]\nconstant = true",
        "[[rules.condition.all]]\nconstant = true\nhas = \"resource.owner\"\n[[rules.condition.all]]\nconstant = true",
    ] {
        assert!(document(bad).is_err(), "{bad}");
    }
    let error = document("condition = { constant = true, nott = { constant = true } }").unwrap_err();
    assert!(error.contains("a condition has one key"), "{error}");
    for bad in [
        r#"{"constant":true,"not":{"constant":true}}"#,
        r#"{"constant":true,"constant":true}"#,
        r#"{"constant":true,"nott":{"constant":true}}"#,
        r#"{"not":{"constant":true,"has":"resource.owner"}}"#,
        "{}",
    ] {
        assert!(serde_json::from_str::<Condition>(bad).is_err(), "{bad}");
    }
}

/// Of two declarations, neither silently counts.
#[test]
fn a_schema_that_declares_something_twice_is_refused() {
    for bad in [
        r#"{"principal":{"a":"text","a":"integer"}}"#,
        r#"{"context":{"a":"text","b":"text","a":"text"}}"#,
        r#"{"resources":{"document":{},"document":{}}}"#,
        r#"{"resources":{"document":{"a":"text","a":"text?"}}}"#,
        r#"{"actions":{"read":{},"read":{}}}"#,
        r#"{"actions":{"read":{"risk":{"integer":1},"risk":{"integer":2}}}}"#,
    ] {
        let error = serde_json::from_str::<Schema>(bad).unwrap_err().to_string();
        assert!(error.contains("is there twice"), "{bad}: {error}");
    }
    let good = r#"{"principal":{"a":"text"},"context":{"a":"text"},"resources":{"document":{"a":"text"},"folder":{"a":"text"}}}"#;
    assert!(serde_json::from_str::<Schema>(good).is_ok());
}
