//! Conditions over attributes.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub(crate) mod error;
mod lex;
pub(crate) mod literal;
mod nested;
mod parse;
pub(crate) mod pattern;
pub(crate) mod print;
pub(crate) mod shape;
mod text;
pub(crate) mod tree;
pub(crate) mod zone;

use error::{ConditionError, ConditionProblem, Span};
use tree::Predicate;

/// A condition over attributes: a tree, which text is read as and written from.
///
/// ```
/// use auth_rbac::Condition;
///
/// let condition = Condition::parse(
///     r#"resource.owner == principal.id && context.ip in cidr("10.0.0.0/8")
///        && context.time.hour in 9..17 && "finance" in principal.departments"#,
/// )?;
/// assert_eq!(Condition::parse(&condition.to_string())?, condition);
/// # Ok::<(), auth_rbac::ConditionError>(())
/// ```
///
/// Serde writes it as its text, and reads it from text or from the tree; [`tree`](Self::tree) is serialised by itself.
/// What it means is decided when it is compiled under a [`Schema`](crate::Schema).
///
/// # What conditions mean
///
/// A [`Rule`](crate::Rule) allows or forbids actions on a kind of resource if its [`Condition`](crate::Condition)
/// is true:
///
/// ```text
/// resource.owner == principal.id && context.ip in cidr("10.0.0.0/8")
///     && context.time.hour in 9..17 && "finance" in principal.departments
/// ```
///
/// A condition is a tree ([`Predicate`](crate::Predicate)), which serde reads and writes; the text above is another
/// form of the same tree, and is printed back from it. Which attributes there are, and of which types, a
/// [`Schema`](crate::Schema) declares, with those of the request built in. What can never be right is refused when
/// the policy is compiled: an attribute that is not declared, a comparison of different types, a function that
/// there is not, with line, column and the place:
///
/// ```text
/// rule owners-edit: line 1, column 1: there is no attribute resource.ownr; did you mean resource.owner?
/// 1 | resource.ownr == principal.id
///   | ^^^^^^^^^^^^^
/// ```
///
/// | write | for |
/// |---|---|
/// | `&&` `\|\|` `!` | conjunction, disjunction, contrary; the contrary of a comparison is `!(a == b)` |
/// | `==` `!=` | two values of one type |
/// | `<` `<=` `>` `>=` | whole and decimal numbers, times, durations |
/// | `x in s`, `x in ["a", "b"]` | elements of sets |
/// | `x in 9..17`, `x in 9..=17` | ranges, without and with their end |
/// | `ip in cidr("10.0.0.0/8")`, `ip in s` | networks, and sets of them |
/// | `x like "/reports/*"` | patterns: `*` is any text, `\*` a star; there are no regular expressions |
/// | `has resource.owner` | whether the request has the attribute |
/// | `any(d in s: ..)`, `all(d in s: ..)`, `size(s)` | quantifiers over sets, the number of elements |
/// | `+` `-` `*` | numbers, durations; `time + duration`, `time - time` |
/// | `t.hour`, `t.zone("+02:00").weekday` | `year`, `month`, `day`, `weekday` (1 is Monday), `hour`, `minute`, `time_of_day` |
///
/// | type | constants |
/// |---|---|
/// | `bool`, `integer`, `text` | `true`, `-3`, `"a\"b\u{e9}"` |
/// | `decimal` | `99.50`: exact, four digits after the point; there are no floating-point numbers |
/// | `time`, `duration` | `time("2026-01-31T09:00:00Z")`, `1h30m` |
/// | `address`, `network` | `ip("10.0.0.1")`, `cidr("10.0.0.0/8")` |
/// | `principal` | `principal`, `principal("local:default", "user", "ann")` |
/// | `set<..>` of any but `bool` | `["a", "b"]` |
///
/// **A condition is true, false, or neither.** It is neither if it looks at something that the request does not
/// have, that is of another type than declared, or that overflows; then its contrary is neither too, so nothing is
/// allowed by being absent. `false && ..` is false and `true || ..` is true whatever the rest is (Kleene; XACML
/// 3.0). `all` of no elements is neither, and `any` of none is false. A rule that allows does not do so unless its
/// condition is true. A rule that forbids and is neither keeps all others from allowing: the verdict is
/// `Indeterminate`, and the decision a denial that says so.
///
/// **A rule may ask for better authentication.** `context.auth.age`, `.assurance` and `.methods` say how and when
/// somebody was authenticated; a rule with a [`Demand`](crate::Demand) answers with the challenge, but only if
/// satisfying it would change the answer for the better: the policy is asked again as if it had been. Of what rules
/// about the request demand, one or two together, the least that helps most is asked for: the lower assurance, then the
/// greater age. A demand without an age leaves the time of the login what it is, for an old login may satisfy it:
/// demand an age where a condition compares `context.auth.age`.
///
/// **`principal.id` is the id of a user of your own realm.** A stranger of another issuer, or a service, with the
/// same id has none. Compare attributes of type `principal` with `principal` where several realms meet.
#[derive(Clone)]
pub struct Condition {
    tree: Arc<Predicate>,
    /// What it was read from.
    source: Option<Arc<(String, Vec<Span>)>>,
}

impl Condition {
    /// The most bytes, as text.
    pub const MAX_LEN: usize = 16_384;
    /// The deepest nesting.
    pub const MAX_DEPTH: usize = 32;
    /// The most parts: comparisons, attributes, constants and what joins them.
    pub const MAX_NODES: usize = 1_024;

    /// Reads a condition.
    ///
    /// # Errors
    /// [`ConditionError`] if it is not one, or if it is too long, too deep or too large.
    pub fn parse(text: &str) -> Result<Self, ConditionError> {
        let (tree, spans) =
            parse::parse(text).map_err(|(problem, span)| ConditionError::new(problem, text, span))?;
        shape::check(&tree)
            .map_err(|problem| ConditionError::new(problem, text, Span { start: 0, end: text.len() }))?;
        Ok(Self { tree: Arc::new(tree), source: Some(Arc::new((text.to_owned(), spans))) })
    }

    /// Takes a condition that was built as a tree.
    ///
    /// # Errors
    /// [`ConditionError`] if it is too long, too deep or too large, if `&&` or `||` joins fewer than two, or if a
    /// constant cannot be written.
    pub fn new(tree: Predicate) -> Result<Self, ConditionError> {
        let tree = shape::canonical(tree)
            .map_err(|problem| ConditionError::new(problem, "", Span { start: 0, end: 0 }))?;
        Ok(Self { tree: Arc::new(tree), source: None })
    }

    /// The condition that is always true.
    #[must_use]
    pub fn always() -> Self {
        Self { tree: Arc::new(Predicate::Constant(true)), source: None }
    }

    /// The tree.
    #[must_use]
    pub fn tree(&self) -> &Predicate {
        &self.tree
    }

    /// An error at a node, by its number in the order of the tree.
    pub(crate) fn error(&self, problem: ConditionProblem, node: usize) -> ConditionError {
        let at = |text: &str, spans: &[Span]| {
            let span = spans.get(node).copied().unwrap_or(Span { start: 0, end: text.len() });
            ConditionError::new(problem.clone(), text, span)
        };
        match &self.source {
            Some(source) => at(&source.0, &source.1),
            None => {
                let (text, spans) = print::print(&self.tree);
                at(&text, &spans)
            }
        }
    }
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.tree == other.tree
    }
}

impl Eq for Condition {}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print::print(&self.tree).0)
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Condition({self})")
    }
}

impl std::str::FromStr for Condition {
    type Err = ConditionError;

    fn from_str(text: &str) -> Result<Self, ConditionError> {
        Self::parse(text)
    }
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrTree;

        impl<'de> de::Visitor<'de> for TextOrTree {
            type Value = Condition;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a condition, as text or as a tree")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Condition, E> {
                Condition::parse(text).map_err(E::custom)
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Condition, A::Error> {
                let tree = Predicate::deserialize(de::value::MapAccessDeserializer::new(&mut map))?;
                // Not every format looks whether something was left.
                if map.next_key::<de::IgnoredAny>()?.is_some() {
                    return Err(de::Error::custom("a condition has one key"));
                }
                Condition::new(tree).map_err(de::Error::custom)
            }
        }

        deserializer.deserialize_any(TextOrTree)
    }
}
