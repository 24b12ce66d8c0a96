//! What the reader takes and refuses, beside `serde_json` as the lenient reference.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;

use super::{
    JsonError, Number, Reader, Rounding,
    de::{self, Fault},
};

fn skip(text: &str) -> Result<(), JsonError> {
    let mut reader = Reader::payload(text);
    reader.skip()?;
    reader.end()
}

fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Fault> {
    let mut reader = Reader::payload(text);
    let value = de::value(&mut reader, std::marker::PhantomData)?;
    reader.end()?;
    Ok(value)
}

/// Skipped or read, the answer is the same.
fn refused(text: &str) -> JsonError {
    let error = skip(text).unwrap_err();
    assert_eq!(read::<Value>(text).unwrap_err(), Fault::Json(error), "{text}");
    assert_eq!(read::<IgnoredAny>(text).err(), Some(Fault::Json(error)), "{text}");
    error
}

/// Each of these is accepted by some parser in use.
#[test]
fn what_is_not_json_is_a_syntax_error() {
    for bad in [
        "",
        " ",
        "{",
        "}",
        "[",
        "]",
        "{]",
        "[}",
        "nul",
        "nulll",
        "True",
        "NaN",
        "Infinity",
        "-Infinity",
        "undefined",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\":1 \"b\":2}",
        "{\"a\" 1}",
        "{a:1}",
        "{'a':1}",
        "{1:1}",
        "[,]",
        "[1,]",
        "[1 2]",
        "[1,,2]",
        "\"",
        "\"a",
        "\"\\\"",
        "\"\\x41\"",
        "\"\\u00g0\"",
        "\"\\u+041\"",
        "\"\\u004",
        "\"\t\"",
        "\"\n\"",
        "\"\0\"",
        "\"a\u{1f}\"",
        "+1",
        "01",
        "-",
        "-01",
        ".5",
        "1.",
        "1.e5",
        "1e",
        "1e+",
        "0x10",
        "1_0",
        "--1",
        "\u{feff}{}",
        "/**/{}",
        "{}//",
        "\u{a0}1",
        "\u{b}1",
        "{\"a\":1}}",
        "\0",
    ] {
        let error = skip(bad).unwrap_err();
        assert!(matches!(error, JsonError::Syntax { .. } | JsonError::TrailingBytes), "{bad:?}: {error:?}");
        assert!(read::<Value>(bad).is_err() && read::<IgnoredAny>(bad).is_err(), "{bad:?}");
        assert!(serde_json::from_str::<Value>(bad).is_err(), "the reference: {bad:?}");
    }
}

/// Trailing bytes, NUL among them.
#[test]
fn nothing_may_follow() {
    for bad in ["{}{}", "{} x", "1 2", "{}\0", "null,", "\"a\"\"b\"", "[]\u{feff}"] {
        assert_eq!(refused(bad), JsonError::TrailingBytes, "{bad:?}");
    }
    assert_eq!(skip(" \r\n\t{ } \r\n\t"), Ok(()));
}

/// Duplicate members at any depth, however they are written. Two readers of one token
/// would otherwise see two different subjects.
#[test]
fn a_member_name_comes_once() {
    for bad in [
        r#"{"a":1,"a":1}"#,
        r#"{"alg":1,"\u0061lg":2}"#,
        r#"{"\u0061lg":1,"alg":2}"#,
        r#"{"\u0061":1,"\u0061":2}"#,
        r#"{"a":1,"b":2,"c":3,"a":4}"#,
        r#"{"x":{"a":1,"a":2}}"#,
        r#"{"x":[[{"y":{"":1,"":2}}]]}"#,
        r#"{"\ud83d\ude00":1,"😀":2}"#,
        r#"{"\/":1,"/":2}"#,
    ] {
        assert_eq!(refused(bad), JsonError::DuplicateMember, "{bad}");
    }
    for good in
        [r#"{"a":1,"A":2}"#, r#"{"a":{"a":{"a":1}}}"#, r#"[{"a":1},{"a":1}]"#, r#"{"a":1,"\\u0061":2}"#]
    {
        assert_eq!(skip(good), Ok(()), "{good}");
    }
}

/// Names beyond those kept in place, and names that the filter cannot tell apart.
#[test]
fn a_member_name_comes_once_in_long_objects_too() {
    for count in [15, 16, 31, 32, 33, 34, 100, 1000] {
        let members: Vec<_> = (0..count).map(|n| format!("\"n{}x\":{n}", n * 7)).collect();
        let object = |extra: &str| format!("{{{}{extra}}}", members.join(","));
        assert_eq!(skip(&object("")), Ok(()));
        for index in [0, 1, count / 2, count - 1] {
            let again = format!(",\"n{}x\":0", index * 7);
            assert_eq!(refused(&object(&again)), JsonError::DuplicateMember, "{index} of {count}");
            let escaped = format!(",\"\\u006e{}x\":0", index * 7);
            assert_eq!(refused(&object(&escaped)), JsonError::DuplicateMember, "{index} of {count}");
        }
    }
    let alike: Vec<_> = ('a'..='z').map(|middle| format!("\"x{middle}x\":1")).collect();
    assert_eq!(skip(&format!("{{{}}}", alike.join(","))), Ok(()));
}

/// Lone surrogates and NUL. What is skipped is checked as well, unlike elsewhere.
#[test]
fn an_escape_names_a_character() {
    for bad in [
        r#""\ud800""#,
        r#""\udc00""#,
        r#""\udc00\ud800""#,
        r#""\ud800\ud800""#,
        r#""\ud800x""#,
        r#""\ud800\n""#,
        r#""\ud800\u0041""#,
        r#""\u0000""#,
        r#"{"\ud800":1}"#,
        r#"{"a\u0000":1}"#,
        r#"{"x":["\uDFFF"]}"#,
    ] {
        assert_eq!(refused(bad), JsonError::Character, "{bad}");
    }
    assert_eq!(
        read::<String>(r#""\ud83d\ude00\u00e9\u20ac\"\\\/\b\f\n\r\t""#),
        Ok("😀é€\"\\/\u{8}\u{c}\n\r\t".to_owned())
    );
}

/// 100,000 levels (CVE-2025-53864, GHSA-8wjv-2p76-3863).
#[test]
fn nesting_is_capped() {
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(skip(&nested(32)), Ok(()));
    for depth in [33, 100_000] {
        assert_eq!(refused(&nested(depth)), JsonError::TooDeep);
        assert_eq!(refused(&"[".repeat(depth)), JsonError::TooDeep);
        assert_eq!(refused(&"{\"a\":".repeat(depth)), JsonError::TooDeep);
    }
}

/// Dates are computed on digits, so no rounding of floats moves a second.
#[test]
fn dates_are_exact() {
    fn date(text: &str, rounding: Rounding) -> Option<u64> {
        let mut reader = Reader::payload(text);
        let number: Number<'_> = reader.number().unwrap();
        reader.end().unwrap();
        number.date(rounding)
    }
    for (text, down, up) in [
        ("0", 0, 0),
        ("0.0", 0, 0),
        ("0.1", 0, 1),
        ("1700000000", 1_700_000_000, 1_700_000_000),
        ("1700000000.0", 1_700_000_000, 1_700_000_000),
        ("1700000000.5", 1_700_000_000, 1_700_000_001),
        ("1700000000.99999999999999999999", 1_700_000_000, 1_700_000_001),
        ("1700000000.00000000000000000001", 1_700_000_000, 1_700_000_001),
        ("1.7e9", 1_700_000_000, 1_700_000_000),
        ("1.7E+9", 1_700_000_000, 1_700_000_000),
        ("17000000005e-1", 1_700_000_000, 1_700_000_001),
        ("1e-400", 0, 1),
        ("0e400", 0, 0),
        ("9007199254740992", 1 << 53, 1 << 53),
        ("9007199254740991.5", (1 << 53) - 1, 1 << 53),
        ("9.007199254740992e15", 1 << 53, 1 << 53),
    ] {
        assert_eq!(date(text, Rounding::Down), Some(down), "{text}");
        assert_eq!(date(text, Rounding::Up), Some(up), "{text}");
    }
    for text in [
        "-1",
        "-0",
        "-0.5",
        "-1e-9",
        "9007199254740993",
        "18446744073709551615",
        "18446744073709551616",
        "1e308",
        "1e400",
        "1e99999999999",
        "99999999999999999999999999",
    ] {
        assert_eq!(date(text, Rounding::Down), None, "{text}");
        assert_eq!(date(text, Rounding::Up), None, "{text}");
    }
    assert_eq!(date("9007199254740992.5", Rounding::Down), Some(1 << 53));
    assert_eq!(date("9007199254740992.5", Rounding::Up), None);
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Shape {
    Unit,
    New(u8),
    Pair(u8, u8),
    Named { side: u8 },
}

#[derive(Debug, PartialEq, Deserialize)]
struct Everything<'a> {
    text: &'a str,
    maybe: Option<u8>,
    none: Option<u8>,
    #[serde(default)]
    absent: Option<u8>,
    shapes: Vec<Shape>,
    pair: (i64, f64),
    map: BTreeMap<u16, bool>,
    wrapped: Wrapped,
    unit: (),
    character: char,
    huge: u128,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Wrapped(String);

#[test]
fn types_are_read_as_serde_json_reads_them() {
    let text = r#"{"text":"plain","maybe":7,"none":null,"shapes":["unit",{"new":1},{"pair":[1,2]},{"named":{"side":3}}],
        "pair":[-9223372036854775808,2.5e-1],"map":{"1":true,"65535":false},"wrapped":"a\tb","unit":null,
        "character":"é","huge":340282366920938463463374607431768211455,"ignored":{"a":[1,2,{}]}}"#;
    let ours: Everything<'_> = read(text).unwrap();
    let theirs: Everything<'_> = serde_json::from_str(text).unwrap();
    assert_eq!(ours, theirs);
}

/// What does not fit the type is the type's fault, and quotes nothing of the value.
#[test]
fn what_does_not_fit_is_refused_without_a_quotation() {
    fn own<T: for<'a> Deserialize<'a> + std::fmt::Debug>(text: &str) {
        assert!(matches!(read::<T>(text), Err(Fault::Own(_))), "{text}");
    }
    own::<u8>("256");
    own::<u8>("-1");
    own::<u8>("1.5");
    own::<u8>("\"1\"");
    own::<f64>("1e400");
    own::<Value>("18446744073709551616");
    own::<(u8, u8)>("[1,2,3]");
    own::<(u8, u8)>("[1]");
    own::<Shape>("\"other\"");
    own::<Shape>("\"new\"");
    own::<Shape>(r#"{"unit":null,"new":1}"#);
    own::<Shape>("{}");
    own::<Shape>("1");
    own::<char>("\"ab\"");
    own::<HashMap<u8, u8>>(r#"{"+1":1}"#);
    own::<HashMap<u8, u8>>(r#"{"01":1}"#);
    own::<HashMap<u8, u8>>(r#"{"1 ":1}"#);
    assert_eq!(read::<HashMap<u8, u8>>(r#"{"1":1}"#), Ok(HashMap::from([(1, 1)])));
}

/// A lenient type of the user's, which makes a default of what it cannot read.
#[derive(Debug, PartialEq)]
struct Lenient(Option<Strict>);

#[derive(Debug, PartialEq, Deserialize)]
struct Strict {
    n: u8,
}

impl<'de> Deserialize<'de> for Lenient {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Strict::deserialize(deserializer).ok()))
    }
}

/// A type that never looks at its value.
#[derive(Debug, PartialEq)]
struct Blind;

impl<'de> Deserialize<'de> for Blind {
    fn deserialize<D: serde::Deserializer<'de>>(_deserializer: D) -> Result<Self, D::Error> {
        Ok(Self)
    }
}

/// A swallowed error must not leave the reader inside the value, where nested members would be taken for
/// members of the object around it, and must not swallow a fault of the text.
#[test]
fn a_type_that_swallows_errors_changes_nothing() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Outer {
        lenient: Lenient,
        blind: Blind,
        id: u8,
    }
    let text = r#"{"lenient":{"n":"x","id":9,"more":[{"id":8}]},"blind":{"id":7},"id":1}"#;
    assert_eq!(read::<Outer>(text), Ok(Outer { lenient: Lenient(None), blind: Blind, id: 1 }));
    for (bad, error) in [
        (r#"{"lenient":{"n":"x","n":1},"blind":0,"id":1}"#, JsonError::DuplicateMember),
        (r#"{"lenient":{"n":1,"n":1},"blind":0,"id":1}"#, JsonError::DuplicateMember),
        (r#"{"lenient":{"n":"\ud800"},"blind":0,"id":1}"#, JsonError::Character),
        (r#"{"lenient":1,"blind":{"a":1,"a":2},"id":1}"#, JsonError::DuplicateMember),
    ] {
        assert_eq!(read::<Outer>(bad), Err(Fault::Json(error)), "{bad}");
    }
    assert!(matches!(read::<Outer>(r#"{"lenient":{"n":},"blind":0,"id":1}"#), Err(Fault::Json(_))));
}

/// Whether a value has something that we refuse and the reference does not.
fn is_stricter(error: &Fault) -> bool {
    use JsonError::{Character, DuplicateMember, TooDeep};
    matches!(error, Fault::Json(DuplicateMember | Character | TooDeep) | Fault::Own(_))
}

fn agree(text: &str) -> Result<(), TestCaseError> {
    let ours = read::<Value>(text);
    match (ours, serde_json::from_str::<Value>(text)) {
        (Ok(ours), Ok(theirs)) => prop_assert_eq!(ours, theirs),
        // The reference makes floats of integers beyond 64 bits, and infinities are errors in both.
        (Err(error), Ok(_)) => prop_assert!(is_stricter(&error), "{text:?}: {error:?}"),
        (Ok(_), Err(error)) => prop_assert!(false, "only we take {text:?}: {error}"),
        (Err(_), Err(_)) => {}
    }
    // Skipping and reading agree on what is JSON.
    match (skip(text), read::<Value>(text)) {
        // A type that does not fit is noticed before what follows is read.
        (Ok(()), Ok(_)) | (_, Err(Fault::Own(_))) => {}
        (Err(skipped), Err(Fault::Json(read))) => prop_assert_eq!(skipped, read),
        (skipped, read) => prop_assert!(false, "{text:?}: {skipped:?} {read:?}"),
    }
    Ok(())
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |float| float.is_finite()).prop_map(Value::from),
        "[^\0]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::btree_map("[^\0]{0,12}", inner, 0..40)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_serde_json_writes_is_read_back(value in any_value()) {
        for text in [serde_json::to_string(&value).unwrap(), serde_json::to_string_pretty(&value).unwrap()] {
            prop_assert_eq!(read::<Value>(&text), Ok(value.clone()));
            prop_assert_eq!(skip(&text), Ok(()));
        }
    }

    #[test]
    fn arbitrary_text_never_panics_and_is_judged_like_the_reference(text in ".{0,200}") {
        agree(&text)?;
    }

    #[test]
    fn text_made_of_json_pieces_is_judged_like_the_reference(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "{", "}", "[", "]", ",", ":", "\"", "\"a\"", "\"b\"", "\\", "\\u00", "\\ud83d", "\\ude00", "61", "\"\\u0061\"",
            "0", "1", "-", ".", "e", "E", "+", "true", "false", "null", " ", "\n", "é", "\u{1}", "\"a\":1,", "1e9",
        ]), 0..24),
    ) {
        agree(&pieces.concat())?;
    }

    #[test]
    fn a_changed_document_is_judged_like_the_reference(value in any_value(), at in any::<prop::sample::Index>(), with in any::<char>()) {
        let mut text = serde_json::to_string(&value).unwrap();
        let places: Vec<_> = text.char_indices().collect();
        let (start, old) = places[at.index(places.len())];
        text.replace_range(start..start + old.len_utf8(), with.encode_utf8(&mut [0; 4]));
        agree(&text)?;
    }
}
