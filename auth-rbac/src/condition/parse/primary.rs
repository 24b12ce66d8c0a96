//! The innermost parts: constants, attributes, functions, quantifiers, brackets.

use auth_core::{Decimal, PrincipalId, PrincipalKind, Realm, UnixTime};

use super::{
    AttributePath, ConditionProblem, Item, Nested, Parsed, Parser, Predicate, Result, Span, Term, Token,
    Value, Variable, unescape,
};
use crate::{
    attribute::{AttributeName, Root},
    condition::{literal, tree::Part, zone::ZoneName},
};

impl<'t> Parser<'t> {
    /// A value or condition, and the parts of a time behind it.
    pub(super) fn postfix(&mut self) -> Result<Parsed> {
        let mut parsed = self.primary()?;
        while self.peek() == Token::Sign(".") {
            self.at = self.at.saturating_add(1);
            let mut zone = None;
            if self.peek() == Token::Word("zone") {
                self.at = self.at.saturating_add(1);
                self.expect("(", "`(` and the name of a zone")?;
                let (name, at) = self.quoted()?;
                self.expect(")", "`)`")?;
                self.expect(".", "`.` and a part of the time")?;
                let unknown =
                    "not a time zone that is known: `+02:00`, or, with the feature `zones`, `Europe/Berlin`";
                zone = Some(ZoneName::parse(&name).map_err(|_| constant(unknown, at))?);
            }
            let (Token::Word(word), end) = (self.peek(), self.span()) else {
                return Err(self.unexpected("a part of a time"));
            };
            let Some(part) = Part::parse(word) else { return Err(self.unexpected("a part of a time")) };
            self.at = self.at.saturating_add(1);
            let span = parsed.span.to(end);
            let (time, below) = self.term(parsed)?;
            parsed = match (time, zone) {
                // `(context.time).hour` is the path `context.time.hour`.
                (Term::Attribute(path), None) => {
                    let why = "the name of an attribute has at most 128 bytes";
                    leaf(Term::Attribute(path.join(part.as_str()).map_err(|_| constant(why, span))?), span)
                }
                (time, zone) => {
                    Parsed { item: Item::Term(Term::Part { time: Box::new(time), part, zone }), span, below }
                }
            };
        }
        Ok(parsed)
    }

    fn primary(&mut self) -> Result<Parsed> {
        let span = self.span();
        let negative = self.peek() == Token::Sign("-");
        match self.ahead(usize::from(negative)) {
            Token::Integer(digits) => {
                self.number(negative, digits, |text| text.parse().ok().map(Value::Integer))
            }
            Token::Decimal(digits) => {
                self.number(negative, digits, |text| text.parse::<Decimal>().ok().map(Value::Decimal))
            }
            _ if negative => {
                self.at = self.at.saturating_add(1);
                Err(self.unexpected("a number"))
            }
            Token::Duration(text) => {
                let why = "not a duration: numbers with `d`, `h`, `m` and `s`, in this order";
                let duration = literal::duration(text).ok_or_else(|| constant(why, span))?;
                self.at = self.at.saturating_add(1);
                Ok(leaf(Term::Constant(Value::Duration(duration)), span))
            }
            Token::Text(_) => {
                let (text, span) = self.quoted()?;
                Ok(leaf(Term::Constant(Value::Text(text)), span))
            }
            Token::Sign("(") => self.brackets(),
            Token::Sign("[") => self.set(),
            Token::Word(word) => self.word(word, span),
            _ => Err(self.unexpected("a value or a condition")),
        }
    }

    fn number(&mut self, negative: bool, digits: &str, read: fn(&str) -> Option<Value>) -> Result<Parsed> {
        let mut span = self.span();
        self.at = self.at.saturating_add(usize::from(negative));
        span = span.to(self.span());
        let sign = if negative { "-" } else { "" };
        let number = read(&format!("{sign}{digits}")).ok_or_else(|| {
            constant("a number that is too large, or has more than four digits after the point", span)
        })?;
        self.at = self.at.saturating_add(1);
        Ok(leaf(Term::Constant(number), span))
    }

    /// A text between quotation marks.
    fn quoted(&mut self) -> Result<(String, Span)> {
        let span = self.span();
        let Token::Text(raw) = self.peek() else {
            return Err(self.unexpected("a text between quotation marks"));
        };
        self.at = self.at.saturating_add(1);
        Ok((unescape(raw, false).map_err(|why| constant(why, span))?, span))
    }

    fn brackets(&mut self) -> Result<Parsed> {
        let start = self.span();
        self.at = self.at.saturating_add(1);
        let mut inner = self.nested(Self::disjunction)?;
        inner.span = start.to(self.expect(")", "`)`")?);
        Ok(inner)
    }

    fn set(&mut self) -> Result<Parsed> {
        let start = self.span();
        self.at = self.at.saturating_add(1);
        let mut values = Vec::new();
        loop {
            let element = self.nested(Self::postfix)?;
            let at = element.span;
            match element.item {
                Item::Term(Term::Constant(value)) if value.elements().is_none() => values.push(value),
                _ => return Err(self.other("a constant", at)),
            }
            if !self.take(",") {
                break;
            }
        }
        let span = start.to(self.expect("]", "`,` or `]`")?);
        let set = Value::set(values)
            .ok_or_else(|| constant("a set is of values of one type, not booleans", span))?;
        Ok(leaf(Term::Constant(set), span))
    }

    fn word(&mut self, word: &'t str, start: Span) -> Result<Parsed> {
        if self.ahead(1) == Token::Sign("(") {
            return self.call(word, start);
        }
        match word {
            "has" => {
                self.at = self.at.saturating_add(1);
                let (path, end) = self.path()?;
                return Ok(Parsed {
                    item: Item::Predicate(Predicate::Has(path)),
                    span: start.to(end),
                    below: Vec::new(),
                });
            }
            "true" | "false" => {
                self.at = self.at.saturating_add(1);
                return Ok(leaf(Term::Constant(Value::Bool(word == "true")), start));
            }
            "principal" if self.ahead(1) != Token::Sign(".") => {
                self.at = self.at.saturating_add(1);
                return Ok(leaf(Term::Principal, start));
            }
            _ => {}
        }
        if Root::parse(word).is_some() {
            let (path, end) = self.path()?;
            return Ok(leaf(Term::Attribute(path), start.to(end)));
        }
        let Ok(variable) = Variable::parse(word) else {
            return Err(self.unexpected("a value or a condition"));
        };
        self.at = self.at.saturating_add(1);
        Ok(leaf(Term::Variable(variable), start))
    }

    /// `context.device.managed`, up to where a zone is named.
    fn path(&mut self) -> Result<(AttributePath, Span)> {
        let start = self.span();
        let root = match self.peek() {
            Token::Word(word) => Root::parse(word),
            _ => None,
        };
        let Some(root) = root else { return Err(self.unexpected("an attribute: `resource.owner`")) };
        let mut end = start;
        let mut name = String::new();
        self.at = self.at.saturating_add(1);
        while let (Token::Sign("."), Token::Word(part)) = (self.peek(), self.ahead(1)) {
            if part == "zone" && self.ahead(2) == Token::Sign("(") {
                break;
            }
            self.at = self.at.saturating_add(1);
            end = self.span();
            self.at = self.at.saturating_add(1);
            if !name.is_empty() {
                name.push('.');
            }
            name.push_str(part);
        }
        if name.is_empty() {
            return Err(self.unexpected("`.` and the name of an attribute"));
        }
        let name = AttributeName::parse(&name)
            .map_err(|_| constant("the name of an attribute has at most 128 bytes", start.to(end)))?;
        Ok((AttributePath::new(root, name), start.to(end)))
    }

    fn call(&mut self, function: &'t str, start: Span) -> Result<Parsed> {
        if !matches!(function, "any" | "all" | "size" | "cidr" | "ip" | "time" | "principal") {
            return Err((ConditionProblem::UnknownFunction(function.into()), start));
        }
        // The name, and the bracket.
        self.at = self.at.saturating_add(2);
        match function {
            "any" | "all" => return self.quantifier(function == "any", start),
            "size" => {
                let set = self.nested(Self::sum)?;
                let span = start.to(self.expect(")", "`)`")?);
                let (set, below) = self.term(set)?;
                return Ok(Parsed { item: Item::Term(Term::Size(Box::new(set))), span, below });
            }
            "principal" => return self.principal(start),
            _ => {}
        }
        let (text, at) = self.quoted()?;
        let (value, why) = match function {
            "cidr" => (
                text.parse().ok().map(Value::Network),
                "not a range of addresses: `10.0.0.0/8`, no bit set behind the prefix",
            ),
            "ip" => (text.parse().ok().map(Value::Address), "not an address"),
            _ => (time(&text).map(Value::Time), "not a time: `2026-01-31T09:00:00Z`"),
        };
        let value = value.ok_or_else(|| constant(why, at))?;
        let span = start.to(self.expect(")", "`)`")?);
        Ok(leaf(Term::Constant(value), span))
    }

    /// `principal("local:default", "user", "ann")`: realm, kind and id.
    fn principal(&mut self, start: Span) -> Result<Parsed> {
        let (realm, _) = self.quoted()?;
        self.expect(",", "`,` and the kind")?;
        let (kind, _) = self.quoted()?;
        self.expect(",", "`,` and the id")?;
        let (id, _) = self.quoted()?;
        let span = start.to(self.expect(")", "`)`")?);
        let parts = Realm::parse(&realm).ok().zip(PrincipalKind::parse(&kind));
        let principal = parts.and_then(|(realm, kind)| PrincipalId::new(realm, kind, &id).ok());
        let why = "not a principal: realm, `user`, `service` or `device`, and id";
        let principal = principal.ok_or_else(|| constant(why, span))?;
        Ok(leaf(Term::Constant(Value::Principal(principal)), span))
    }

    fn quantifier(&mut self, any: bool, start: Span) -> Result<Parsed> {
        let variable = match self.peek() {
            Token::Word(word) => Variable::parse(word).ok(),
            _ => None,
        };
        let Some(variable) = variable else { return Err(self.unexpected("a name for the element")) };
        self.at = self.at.saturating_add(1);
        if self.peek() != Token::Word("in") {
            return Err(self.unexpected("`in` and a set"));
        }
        self.at = self.at.saturating_add(1);
        let set = self.nested(Self::sum)?;
        let (set, mut below) = self.term(set)?;
        self.expect(":", "`:` and a condition")?;
        let holds = self.nested(Self::disjunction)?;
        let (holds, spans) = self.predicate(holds)?;
        below.extend(spans);
        let span = start.to(self.expect(")", "`)`")?);
        let holds = Nested(Box::new(holds));
        let predicate = if any {
            Predicate::AnyOf { variable, set, holds }
        } else {
            Predicate::AllOf { variable, set, holds }
        };
        Ok(Parsed { item: Item::Predicate(predicate), span, below })
    }
}

/// RFC 3339, or the seconds since 1970 of what it cannot say.
fn time(text: &str) -> Option<UnixTime> {
    let seconds = || {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| digits).map(UnixTime::from_secs)
    };
    literal::time(text).or_else(seconds)
}

fn leaf(term: Term, span: Span) -> Parsed {
    Parsed { item: Item::Term(term), span, below: Vec::new() }
}

fn constant(why: &'static str, span: Span) -> (ConditionProblem, Span) {
    (ConditionProblem::Constant(why), span)
}
