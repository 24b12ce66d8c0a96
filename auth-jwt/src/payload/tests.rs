use serde_json::Value;

use super::*;
use crate::own_claims::Problem;

fn claims<'a, C: Deserialize<'a>>(text: &'a str) -> Result<(Registered<'a>, C), VerifyError> {
    let mut registered = Registered::default();
    let own = read(text, &mut registered)??;
    Ok((registered, own))
}

const TEXT: &str = r#"{"iss":"i","plan":"pro","sub":"s","aud":["a","\u0062"],"exp":10,"n":3}"#;

#[test]
fn registered_and_own_claims_are_read_in_one_pass() {
    #[derive(Deserialize)]
    struct Own<'a> {
        plan: &'a str,
        n: u8,
    }
    let (registered, own) = claims::<Own<'_>>(TEXT).unwrap();
    assert_eq!((own.plan, own.n), ("pro", 3));
    assert_eq!((registered.iss.unwrap().raw(), registered.exp), ("i", Some(10)));
    let audience: Vec<_> = registered.aud.unwrap().iter().map(|aud| aud.text()).collect();
    assert_eq!(audience, ["a", "b"]);
}

/// Types written for other libraries name the registered claims themselves.
#[test]
fn a_type_may_ask_for_registered_claims_too() {
    #[derive(Deserialize)]
    struct Full {
        sub: String,
        aud: Vec<String>,
        exp: u64,
        n: u8,
    }
    let (registered, full) = claims::<Full>(TEXT).unwrap();
    assert_eq!((&*full.sub, full.aud.len(), full.exp, full.n), ("s", 2, 10, 3));
    assert_eq!((registered.sub.unwrap().raw(), registered.exp), ("s", Some(10)));

    let (registered, value) = claims::<Value>(TEXT).unwrap();
    assert_eq!(value, serde_json::from_str::<Value>(TEXT).unwrap());
    assert_eq!(registered.exp, Some(10));
}

/// `deny_unknown_fields` speaks of the own claims.
#[test]
fn a_type_that_denies_unknown_fields_does_not_see_registered_claims() {
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Own {
        plan: String,
        #[serde(default)]
        n: u8,
    }
    assert!(claims::<Own>(TEXT).is_ok());
    let error = claims::<Own>(r#"{"iss":"i","plan":"x","other":1}"#).unwrap_err();
    assert_eq!(error, VerifyError::OwnClaims(OwnClaimsError::new(Problem::Unknown, None)));
}

#[test]
fn any_shape_of_type_that_takes_an_object_will_do() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Flat {
        n: u8,
        #[serde(flatten)]
        rest: std::collections::BTreeMap<String, Value>,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(tag = "plan", rename_all = "lowercase")]
    enum Tagged {
        Free,
        Pro { n: u8 },
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct Unit;
    #[derive(Debug, PartialEq, Deserialize)]
    struct Wrapped(Flat);

    let (_, flat) = claims::<Flat>(TEXT).unwrap();
    assert_eq!((flat.n, flat.rest.len()), (3, 5));
    assert_eq!(claims::<Wrapped>(TEXT).unwrap().1.0, flat);
    assert_eq!(claims::<Option<Flat>>(TEXT).unwrap().1, Some(flat));
    assert_eq!(claims::<Tagged>(TEXT).unwrap().1, Tagged::Pro { n: 3 });
    assert_eq!(claims::<Unit>(TEXT).unwrap().1, Unit);
    assert_eq!(claims::<()>(TEXT).unwrap().0.exp, Some(10));
    assert!(claims::<serde::de::IgnoredAny>(TEXT).is_ok());
    assert!(matches!(claims::<Vec<u8>>(TEXT), Err(VerifyError::OwnClaims(_))));
    assert!(matches!(claims::<String>(TEXT), Err(VerifyError::OwnClaims(_))));
}

/// A wrongly typed claim is an error, not an absence (CVE-2020-26160 and many others).
#[test]
fn registered_claims_have_their_registered_types() {
    let number = ["exp", "nbf", "iat", "auth_time"];
    let string = ["iss", "sub", "jti", "client_id", "acr"];
    for (names, bad) in [
        (
            &number[..],
            &[
                "\"1\"",
                "true",
                "null",
                "[1]",
                "{}",
                "-1",
                "-0",
                "1e308",
                "1e400",
                "9007199254740993",
                "18446744073709551615",
            ][..],
        ),
        (&string[..], &["1", "true", "null", "[\"x\"]", "{}", "\"\""][..]),
        (&["scope"][..], &["1", "null", "[\"a\"]", "{}"][..]),
        (
            &["aud"][..],
            &[
                "1",
                "null",
                "true",
                "{}",
                "[]",
                "\"\"",
                "[\"\"]",
                "[\"a\",\"\"]",
                "[\"a\",1]",
                "[[\"a\"]]",
                "[null]",
            ][..],
        ),
        (&["amr"][..], &["\"pwd\"", "1", "null", "[]", "[1]", "[\"\"]"][..]),
    ] {
        for name in names {
            for value in bad {
                let text = format!(r#"{{"{name}":{value}}}"#);
                let error = claims::<()>(&text).unwrap_err();
                assert!(
                    matches!(error, VerifyError::WrongType { claim, .. } if claim == *name),
                    "{text}: {error:?}"
                );
                // Also if the user's type takes what the standard does not.
                assert!(matches!(claims::<Value>(&text), Err(VerifyError::WrongType { .. })), "{text}");
            }
        }
    }
    for text in ["{\"exp\":NaN}", "{\"exp\":Infinity}", "{\"exp\":-Infinity}", "{\"exp\":0x10}"] {
        assert!(matches!(claims::<()>(text), Err(VerifyError::Payload(JsonError::Syntax { .. }))), "{text}");
    }
}

/// Go matches member names without regard to case; nobody else may.
#[test]
fn names_are_exact() {
    let (registered, ()) = claims::<()>(r#"{"EXP":1,"Iss":"i","\u0065xp":2}"#).unwrap();
    assert_eq!((registered.exp, registered.iss.is_none()), (Some(2), true));
}

/// What the token says of itself has precedence over what the type says of it.
#[test]
fn a_fault_of_the_token_wins_over_one_of_the_type() {
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read")]
    struct Own {
        n: u8,
    }
    let fits = |text: &str| claims::<Own>(text).unwrap_err();
    assert!(matches!(fits(r#"{"n":"x","exp":"1"}"#), VerifyError::WrongType { claim: "exp", .. }));
    assert_eq!(fits(r#"{"n":"x","b":1,"b":2}"#), VerifyError::Payload(JsonError::DuplicateMember));
    assert_eq!(fits(r#"{"n":"x"}}"#), VerifyError::Payload(JsonError::TrailingBytes));
    let VerifyError::OwnClaims(error) = fits(r#"{"n":"secret"}"#) else { panic!("another error") };
    assert_eq!((error.claim(), &*error.to_string()), (Some("n"), "a value has another type in claim n"));
    let VerifyError::OwnClaims(error) = fits("{}") else { panic!("another error") };
    assert_eq!((error.claim(), &*error.to_string()), (Some("n"), "n is missing"));
}

/// A visitor of the user's that goes on after an error, and one that stops early.
#[test]
fn a_type_cannot_hide_a_fault_of_the_token() {
    struct Stubborn;
    impl<'de> Deserialize<'de> for Stubborn {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Seen;
            impl<'de> Visitor<'de> for Seen {
                type Value = ();
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("anything")
                }
                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
                    for _ in 0..10 {
                        if let Ok(Some(_)) = map.next_key::<String>() {
                            let _ = map.next_value::<u8>();
                        }
                    }
                    Ok(())
                }
            }
            deserializer.deserialize_map(Seen).map(|()| Self)
        }
    }
    assert!(claims::<Stubborn>(r#"{"a":"text","exp":1,"b":{"exp":"x"}}"#).is_ok());
    for bad in [
        r#"{"a":"text","a":1}"#,
        r#"{"exp":"1"}"#,
        r#"{"a":{"b":1,"b":2},"exp":1}"#,
        r#"{"a":"\ud800","exp":1}"#,
        r#"{"a":{"b":1},"exp":1}}"#,
    ] {
        assert!(claims::<Stubborn>(bad).is_err(), "{bad}");
    }

    struct Early;
    impl<'de> Deserialize<'de> for Early {
        fn deserialize<D: serde::Deserializer<'de>>(_deserializer: D) -> Result<Self, D::Error> {
            Ok(Self)
        }
    }
    assert_eq!(claims::<Early>(TEXT).unwrap().0.exp, Some(10));
    assert!(claims::<Early>(r#"{"a":1,"exp":"1"}"#).is_err());
}

/// Types need not look at values, nor at all members; the registered claims are read all the same.
#[test]
fn a_type_may_leave_values_and_members_alone() {
    struct Names<const MAX: usize>(Vec<String>);
    impl<'de, const MAX: usize> Deserialize<'de> for Names<MAX> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Seen<const MAX: usize>;
            impl<'de, const MAX: usize> Visitor<'de> for Seen<MAX> {
                type Value = Vec<String>;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("anything")
                }
                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                    std::iter::from_fn(|| map.next_key().transpose()).take(MAX).collect()
                }
            }
            deserializer.deserialize_map(Seen::<MAX>).map(Self)
        }
    }
    for text in [TEXT, r#"{"plan":{"iss":"no"},"iss":"i","aud":["a","b"],"exp":10,"sub":"s"}"#] {
        let registered = [
            claims::<Names<99>>(text).unwrap().0,
            claims::<Names<2>>(text).unwrap().0,
            claims::<Names<0>>(text).unwrap().0,
        ];
        for registered in registered {
            assert_eq!((registered.iss.unwrap().raw(), registered.sub.unwrap().raw()), ("i", "s"));
            assert_eq!((registered.aud.unwrap().iter().count(), registered.exp), (2, Some(10)));
        }
    }
    assert_eq!(claims::<Names<99>>(TEXT).unwrap().1.0, ["iss", "plan", "sub", "aud", "exp", "n"]);
    assert!(claims::<Names<0>>(r#"{"plan":{"a":1,"a":2}}"#).is_err());
    assert!(claims::<Names<9>>(r#"{"plan":{"a":1,"a":2}}"#).is_err());
}

/// What went wrong in one member says nothing of what comes behind it.
#[test]
fn an_error_names_the_member_that_it_was_found_in() {
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read")]
    struct Own {
        sub: String,
        n: u8,
        #[serde(default)]
        list: Vec<u8>,
        last: u8,
    }
    for (text, claim, problem) in [
        (r#"{"sub":"s","n":1,"list":[]}"#, "last", Problem::Missing { member: "last" }),
        (r#"{"sub":"s","list":[1,"x"],"n":1,"last":1}"#, "list", Problem::WrongType),
        (r#"{"sub":"s","n":300,"last":1}"#, "n", Problem::Refused),
        (r#"{"n":1,"last":1}"#, "sub", Problem::Missing { member: "sub" }),
    ] {
        let VerifyError::OwnClaims(error) = claims::<Own>(text).unwrap_err() else { panic!("{text}") };
        let found_in = Some(claim).filter(|_| !matches!(problem, Problem::Missing { .. }));
        assert_eq!(error, OwnClaimsError::new(problem, found_in), "{text}");
        assert_eq!(error.claim(), Some(claim), "{text}");
    }
}

#[test]
fn a_payload_is_an_object() {
    for bad in ["null", "[]", "\"x\"", "1", "true", "[{\"exp\":1}]"] {
        assert_eq!(claims::<()>(bad).unwrap_err(), VerifyError::Payload(JsonError::NotAnObject), "{bad}");
    }
}
