//! What conditions mean.

use std::time::Duration;

use auth_core::{Network, PrincipalId, PrincipalKind, Realm, Resource, UnixTime};
use auth_rbac::Value;

use super::{Asked, DOCUMENT, NOW, asked, map, truth, who};

fn texts(texts: &[&str]) -> Value {
    Value::from(texts)
}

/// A document with all attributes, and ann with hers.
fn full() -> Asked {
    let network = |text: &str| text.parse::<Network>().unwrap();
    Asked {
        principal: map(&[("departments", texts(&["finance", "eu-sales"])), ("clearance", 3.into())]),
        of_resource: map(&[
            ("owner", "ann".into()),
            ("author", PrincipalId::local_user("ann").unwrap().into()),
            ("editors", vec![PrincipalId::local_user("bob").unwrap()].into()),
            ("level", 2.into()),
            ("amount", Value::Decimal("99.5".parse().unwrap())),
            ("path", "/reports/2026/q1".into()),
            ("departments", texts(&["finance"])),
            ("numbers", vec![1_i64, 2].into()),
            ("public", false.into()),
            ("expires", UnixTime::from_secs(NOW.as_secs() + 3_600).into()),
            ("keep", Duration::from_secs(7_200).into()),
            ("networks", vec![network("10.0.0.0/8"), network("2001:db8::/32")].into()),
        ]),
        context: map(&[("device.managed", true.into()), ("location.country", "de".into())]),
        ..asked()
    }
}

#[test]
fn every_operator_says_what_its_sign_says() {
    let asked = full();
    for (text, expected) in [
        ("resource.owner == principal.id", true),
        ("resource.owner != principal.id", false),
        ("resource.author == principal", true),
        ("principal in resource.editors", false),
        (r#"resource.author == principal("local:default", "user", "ann")"#, true),
        ("principal.clearance > resource.level", true),
        ("principal.clearance >= 3 && principal.clearance <= 3 && !(principal.clearance < 3)", true),
        ("3 > principal.clearance", false),
        ("3 <= principal.clearance", true),
        ("resource.amount < 100", true),
        ("resource.amount == 99.50", true),
        ("resource.amount in [1.0, 99.5]", true),
        ("resource.amount in [99, 100]", false),
        ("resource.amount in 99..=99.5", true),
        ("resource.amount in 99..99.5", false),
        (r#""finance" in principal.departments"#, true),
        (r#"principal.id in ["bob", "ann"]"#, true),
        ("resource.level in resource.numbers", true),
        ("resource.level in [4, 5]", false),
        (r#"context.ip in cidr("10.0.0.0/8")"#, true),
        (r#"context.ip in [cidr("192.168.0.0/16"), cidr("10.1.0.0/16")]"#, true),
        ("context.ip in resource.networks", true),
        (r#"context.ip == ip("10.1.2.3")"#, true),
        (r#"context.ip == ip("::ffff:10.1.2.3")"#, true),
        (r#"resource.path like "/reports/*""#, true),
        (r#"resource.path like "/reports""#, false),
        ("resource.public", false),
        ("!resource.public", true),
        ("resource.public == false", true),
        ("context.device.managed && !(resource.public || resource.level > 5)", true),
        ("has resource.owner && has principal.departments", true),
        ("has context.risk", false),
        ("resource.expires > context.time", true),
        ("resource.expires - context.time == 1h", true),
        ("context.time - resource.expires < 0s", true),
        ("context.time + resource.keep > resource.expires", true),
        ("resource.keep == 2h && resource.keep * 2 == 4h", true),
        ("resource.level + 1 == principal.clearance", true),
        ("resource.level * 2 - 1 == 3", true),
        ("resource.amount * 2 == 199", true),
        ("resource.amount + 0.5 == 100", true),
        (r#"any(d in principal.departments: d like "eu-*")"#, true),
        (r#"all(d in principal.departments: d like "eu-*")"#, false),
        ("all(d in resource.departments: d in principal.departments)", true),
        ("any(d in resource.departments: any(e in principal.departments: d == e && e == d))", true),
        ("size(principal.departments) == 2", true),
        (r#"action.name == "documents.read" && resource.kind == "document" && resource.id == "7""#, true),
        (r#"principal.kind == "user" && principal.realm == "local:default""#, true),
        (r#"context.location.country in ["de", "fr"]"#, true),
        ("true", true),
        ("false || !false", true),
    ] {
        assert_eq!(truth(text, &asked), Some(expected), "{text}");
    }
}

#[test]
fn a_time_has_parts_in_a_zone() {
    // 2026-01-30T10:30:00Z, a Friday.
    for (text, expected) in [
        ("context.time.hour in 9..17 && context.time.weekday in 1..=5", true),
        ("context.time.year == 2026 && context.time.month == 1 && context.time.day == 30", true),
        ("context.time.minute == 30 && context.time.weekday == 5", true),
        (r#"context.time.zone("+07:00").hour == 17"#, true),
        (r#"context.time.zone("-11:00").day == 29"#, true),
        ("context.time.time_of_day in 10h30m..18h", true),
        (r#"context.time.zone("Z").time_of_day < 10h30m"#, false),
        ("(context.time + 14h).day == 31", true),
        (r#"time("2026-01-30T10:30:00Z") == context.time"#, true),
        (r#"time("2026-01-01T00:00:00+01:00").year == 2025"#, true),
    ] {
        assert_eq!(truth(text, &asked()), Some(expected), "{text}");
    }
}

#[cfg(feature = "zones")]
#[test]
fn a_zone_of_the_iana_database_is_known_by_name() {
    assert_eq!(truth(r#"context.time.zone("Europe/Berlin").hour == 11"#, &asked()), Some(true));
    let summer = Asked { now: UnixTime::from_secs(1_785_407_400), ..asked() };
    assert_eq!(truth(r#"context.time.zone("Europe/Berlin").hour == 12"#, &summer), Some(true));
}

/// A negated operator on what is missing must not be true (`StringNotLike` of AWS is), and
/// neither must anything else that looks at it.
#[test]
fn what_looks_at_what_is_missing_is_neither_true_nor_false() {
    for text in [
        "resource.owner == principal.id",
        "resource.owner != principal.id",
        "!(resource.owner == principal.id)",
        r#"!(resource.path like "/secret/*")"#,
        r#"!("finance" in principal.departments)"#,
        "!(resource.level in 1..5)",
        "resource.level in 1..5",
        "!resource.public",
        "resource.public == false",
        r#"!(context.device.id == "x")"#,
        "!any(d in resource.departments: true)",
        "!all(d in resource.departments: true)",
        "size(resource.departments) == 0",
        "resource.level + 1 > 0",
        "!(resource.expires.hour == 3)",
        "!has resource.owner && resource.owner == principal.id",
    ] {
        assert_eq!(truth(text, &asked()), None, "{text}");
    }
    for (text, expected) in [("has resource.owner", false), ("!has resource.owner", true)] {
        assert_eq!(truth(text, &asked()), Some(expected), "{text}");
    }
    let nowhere = Asked { from: None, ..asked() };
    assert_eq!(truth(r#"!(context.ip in cidr("10.0.0.0/8"))"#, &nowhere), None);
    assert_eq!(truth("has context.ip", &nowhere), Some(false));
}

/// Kleene's tables, in both orders; XACML 3.0 defines `and` and `or` so.
#[test]
fn what_is_unknown_decides_only_where_it_matters() {
    let (t, f, u) = ("true", "false", "resource.public");
    for (left, right, and, or) in [
        (t, u, None, Some(true)),
        (f, u, Some(false), None),
        (u, u, None, None),
        (t, f, Some(false), Some(true)),
        (t, t, Some(true), Some(true)),
        (f, f, Some(false), Some(false)),
    ] {
        for (a, b) in [(left, right), (right, left)] {
            assert_eq!(truth(&format!("{a} && {b}"), &asked()), and, "{a} && {b}");
            assert_eq!(truth(&format!("{a} || {b}"), &asked()), or, "{a} || {b}");
        }
    }
    assert_eq!(truth("!resource.public", &asked()), None);
}

/// "for all" of nothing must not allow (`ForAllValues` of AWS does), nor its contrary.
#[test]
fn all_of_nothing_is_neither_true_nor_false() {
    let nothing = Asked { of_resource: map(&[("departments", texts(&[]))]), ..full() };
    assert_eq!(truth("all(d in resource.departments: d in principal.departments)", &nothing), None);
    assert_eq!(truth("!all(d in resource.departments: d in principal.departments)", &nothing), None);
    assert_eq!(truth("any(d in resource.departments: d in principal.departments)", &nothing), Some(false));
    let guarded =
        "size(resource.departments) == 0 || all(d in resource.departments: d in principal.departments)";
    assert_eq!(truth(guarded, &nothing), Some(true));
}

#[test]
fn a_quantifier_over_unknowns_is_decided_by_what_is_known() {
    let asked = Asked { of_resource: map(&[("numbers", vec![1_i64, i64::MAX].into())]), ..asked() };
    for (text, expected) in [
        ("any(n in resource.numbers: n + 1 == 2)", Some(true)),
        ("any(n in resource.numbers: n + 1 == 3)", None),
        ("all(n in resource.numbers: n + 1 == 3)", Some(false)),
        ("all(n in resource.numbers: n + 1 == 2)", None),
    ] {
        assert_eq!(truth(text, &asked), expected, "{text}");
    }
}

/// What overflows is neither true nor false, whichever way it is asked.
#[test]
fn what_overflows_is_neither_true_nor_false() {
    let asked = Asked {
        of_resource: map(&[
            ("level", i64::MAX.into()),
            ("amount", Value::Decimal("922337203685477.5807".parse().unwrap())),
            ("expires", UnixTime::MAX.into()),
            ("keep", Duration::MAX.into()),
        ]),
        ..asked()
    };
    for text in [
        "resource.level + 1 > 0",
        "!(resource.level + 1 > 0)",
        "resource.level * -2 < 0",
        "-9223372036854775808 - resource.level < 0",
        "resource.amount + 0.0001 > 0",
        "resource.amount * 2 > 0",
        "resource.expires + 1s > context.time",
        "resource.expires - context.time > 1h",
        "resource.expires.hour == 0",
        "resource.keep > 1h",
    ] {
        assert_eq!(truth(text, &asked), None, "{text}");
    }
    assert_eq!(truth("resource.expires > context.time", &asked), Some(true));
}

/// A resource that says of an attribute what the schema does not must not be believed.
#[test]
fn a_value_of_another_type_than_declared_is_no_value() {
    let asked = Asked {
        of_resource: map(&[
            ("owner", 1.into()),
            ("level", "2".into()),
            ("public", "true".into()),
            ("departments", "finance".into()),
        ]),
        ..full()
    };
    for text in [
        r#"resource.owner == "1""#,
        r#"resource.owner != "1""#,
        "resource.level == 2",
        "resource.level != 3",
        "resource.public",
        r#""finance" in resource.departments"#,
        "has resource.owner",
    ] {
        assert_eq!(truth(text, &asked), None, "{text}");
    }
}

/// A stranger with the id of one of ours, a service with the id of a user: nobody here.
#[test]
fn an_id_belongs_to_users_of_the_home_realm() {
    let owned = map(&[("owner", "ann".into()), ("author", PrincipalId::local_user("ann").unwrap().into())]);
    let realm = Realm::issuer("https://elsewhere.example").unwrap();
    for (stranger, is) in [
        (PrincipalId::local_user("ann").unwrap(), Some(true)),
        (PrincipalId::new(realm, PrincipalKind::User, "ann").unwrap(), None),
        (PrincipalId::new(Realm::LOCAL, PrincipalKind::Service, "ann").unwrap(), None),
        (PrincipalId::new(Realm::local("other").unwrap(), PrincipalKind::User, "ann").unwrap(), None),
    ] {
        let asked = Asked { who: who(&stranger), of_resource: owned.clone(), ..asked() };
        assert_eq!(truth("resource.owner == principal.id", &asked), is, "{stranger:?}");
        assert_eq!(truth("resource.author == principal", &asked), Some(is.is_some()), "{stranger:?}");
    }
    let service = PrincipalId::new(Realm::LOCAL, PrincipalKind::Service, "batch").unwrap();
    let asked = Asked { who: who(&service), ..asked() };
    assert_eq!(
        truth(r#"principal.service_id == "batch" && principal.kind == "service""#, &asked),
        Some(true)
    );
}

/// Case counts, and what looks alike is not the same.
#[test]
fn texts_are_compared_byte_by_byte() {
    for other in ["Ann", "ann ", "аnn", "a\u{200b}nn", "ａnn", ""] {
        let asked = Asked { of_resource: map(&[("owner", other.into())]), ..asked() };
        assert_eq!(truth("resource.owner == principal.id", &asked), Some(false), "{other:?}");
        assert_eq!(truth(r#"resource.owner like "ann""#, &asked), Some(false), "{other:?}");
    }
    // "é" in one character and in two.
    let composed = Asked { of_resource: map(&[("owner", "\u{e9}".into())]), ..asked() };
    assert_eq!(truth(r#"resource.owner == "e\u{301}""#, &composed), Some(false));
}

#[test]
fn a_resource_without_an_id_has_none() {
    let any = Asked { resource: Resource::any(DOCUMENT), ..asked() };
    assert_eq!(truth(r#"resource.id == "7""#, &any), None);
    assert_eq!(truth("has resource.id || has resource.tenant", &any), Some(false));
    let tenant = Realm::local("acme").unwrap();
    let tenant = Asked { resource: Resource::any(DOCUMENT).of_tenant(tenant), ..asked() };
    assert_eq!(truth(r#"resource.tenant == "local:acme""#, &tenant), Some(true));
}
