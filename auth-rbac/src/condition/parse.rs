//! From words and signs to the tree.

use super::{
    Condition,
    error::{ConditionProblem, Span},
    lex::{Token, tokens},
    pattern::Pattern,
    text::unescape,
    tree::{Comparison, Nested, Operation, Predicate, Term, Variable},
};
use crate::attribute::{AttributePath, value::Value};

mod primary;

pub(super) type Failure = (ConditionProblem, Span);
type Result<T> = std::result::Result<T, Failure>;

/// A part of a condition that was read, with the places of it and of all below it, in the order of the tree.
struct Parsed {
    item: Item,
    span: Span,
    below: Vec<Span>,
}

enum Item {
    Predicate(Predicate),
    Term(Term),
}

/// Reads a whole condition, and the places of its nodes.
pub(super) fn parse(text: &str) -> Result<(Predicate, Vec<Span>)> {
    if text.len() > Condition::MAX_LEN {
        return Err((ConditionProblem::TooLong, Span { start: 0, end: 0 }));
    }
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0, text };
    let whole = parser.disjunction()?;
    let (condition, spans) = parser.predicate(whole)?;
    if parser.peek() != Token::End {
        return Err(parser.unexpected("an operator, or the end"));
    }
    Ok((condition, spans))
}

struct Parser<'t> {
    tokens: Vec<(Token<'t>, Span)>,
    at: usize,
    depth: usize,
    text: &'t str,
}

impl<'t> Parser<'t> {
    /// Brackets that do not end up in the tree are counted too, so there may be more of them than levels of it.
    const MAX_DEPTH: usize = Condition::MAX_DEPTH * 2 + 2;

    fn disjunction(&mut self) -> Result<Parsed> {
        self.list("||", Self::conjunction, Predicate::Any)
    }

    fn conjunction(&mut self) -> Result<Parsed> {
        self.list("&&", Self::relation, Predicate::All)
    }

    /// One or several, with a sign between them.
    fn list(
        &mut self,
        sign: &'static str,
        one: fn(&mut Self) -> Result<Parsed>,
        of: fn(Vec<Predicate>) -> Predicate,
    ) -> Result<Parsed> {
        let first = one(self)?;
        if self.peek() != Token::Sign(sign) {
            return Ok(first);
        }
        let mut span = first.span;
        let (first, mut below) = self.predicate(first)?;
        let mut list = vec![first];
        while self.take(sign) {
            let next = one(self)?;
            span = span.to(next.span);
            let (next, spans) = self.predicate(next)?;
            list.push(next);
            below.extend(spans);
        }
        Ok(Parsed { item: Item::Predicate(of(list)), span, below })
    }

    fn relation(&mut self) -> Result<Parsed> {
        if self.peek() == Token::Sign("!") {
            return self.negation();
        }
        let left = self.sum()?;
        match self.peek() {
            Token::Sign(sign) if Comparison::parse(sign).is_some() => self.comparison(left, sign),
            Token::Word("in") => self.membership(left),
            Token::Word("like") => self.likeness(left),
            Token::Sign("=") => Err(self.unexpected_but("an operator", Some("equality is written `==`"))),
            Token::Sign("&") => Err(self.unexpected_but("an operator", Some("conjunction is written `&&`"))),
            Token::Word("and") => {
                Err(self.unexpected_but("an operator", Some("conjunction is written `&&`")))
            }
            Token::Word("or") => Err(self.unexpected_but("an operator", Some("disjunction is written `||`"))),
            _ => Ok(left),
        }
    }

    /// `!` is of what stands directly behind it. Of a comparison it is only with brackets, so that nobody reads
    /// `!a == b` in one way and writes it in the other.
    fn negation(&mut self) -> Result<Parsed> {
        let start = self.span();
        self.at = self.at.saturating_add(1);
        let inner = self.nested(|parser| {
            if parser.peek() == Token::Sign("!") { parser.negation() } else { parser.postfix() }
        })?;
        let span = start.to(inner.span);
        let (inner, below) = self.predicate(inner)?;
        let comparison = matches!(self.peek(), Token::Sign(sign) if Comparison::parse(sign).is_some());
        if comparison || matches!(self.peek(), Token::Word("in" | "like")) {
            return Err(
                self.unexpected_but("`&&`, `||` or the end", Some("the contrary of a comparison is `!(..)`"))
            );
        }
        Ok(Parsed { item: Item::Predicate(Predicate::Not(Box::new(inner))), span, below })
    }

    fn comparison(&mut self, left: Parsed, sign: &str) -> Result<Parsed> {
        let Some(by) = Comparison::parse(sign) else { return Err(self.unexpected("a comparison")) };
        self.at = self.at.saturating_add(1);
        let right = self.sum()?;
        if matches!(self.peek(), Token::Sign(sign) if Comparison::parse(sign).is_some()) {
            return Err(self.unexpected_but("`&&`, `||` or the end", Some("comparisons are not chained")));
        }
        let span = left.span.to(right.span);
        let ((left, mut below), (right, spans)) = (self.term(left)?, self.term(right)?);
        below.extend(spans);
        Ok(Parsed { item: Item::Predicate(Predicate::Compare { left, by, right }), span, below })
    }

    fn membership(&mut self, value: Parsed) -> Result<Parsed> {
        self.at = self.at.saturating_add(1);
        let start = value.span;
        let (value, mut below) = self.term(value)?;
        let first = self.sum()?;
        let mut span = start.to(first.span);
        let (first, spans) = self.term(first)?;
        below.extend(spans);
        let inclusive = match self.peek() {
            Token::Sign("..") => false,
            Token::Sign("..=") => true,
            _ => {
                return Ok(Parsed {
                    item: Item::Predicate(Predicate::In { value, set: first }),
                    span,
                    below,
                });
            }
        };
        self.at = self.at.saturating_add(1);
        let last = self.sum()?;
        span = span.to(last.span);
        let (to, spans) = self.term(last)?;
        below.extend(spans);
        let within = Predicate::Within { value, from: first, to, inclusive };
        Ok(Parsed { item: Item::Predicate(within), span, below })
    }

    fn likeness(&mut self, text: Parsed) -> Result<Parsed> {
        self.at = self.at.saturating_add(1);
        let (Token::Text(raw), end) = (self.peek(), self.span()) else {
            return Err(self.unexpected("a pattern between quotation marks"));
        };
        self.at = self.at.saturating_add(1);
        let pattern = unescape(raw, true).map_err(|why| (ConditionProblem::Constant(why), end))?;
        let pattern = Pattern::parse(&pattern).map_err(|error| {
            use super::pattern::PatternError::{Escape, TooLong};
            let why = match error {
                TooLong => "a pattern has at most 1024 bytes and 16 stars",
                Escape => "a backslash in a pattern stands before `*` or `\\`",
            };
            (ConditionProblem::Constant(why), end)
        })?;
        let span = text.span.to(end);
        let (text, below) = self.term(text)?;
        Ok(Parsed { item: Item::Predicate(Predicate::Like { text, pattern }), span, below })
    }

    fn sum(&mut self) -> Result<Parsed> {
        self.arithmetic(Self::product, |sign| matches!(sign, "+" | "-"))
    }

    fn product(&mut self) -> Result<Parsed> {
        self.arithmetic(Self::postfix, |sign| sign == "*")
    }

    /// Operations of one rank, from left to right. Each is a level of the tree.
    fn arithmetic(
        &mut self,
        operand: fn(&mut Self) -> Result<Parsed>,
        is: fn(&str) -> bool,
    ) -> Result<Parsed> {
        let mut left = operand(self)?;
        let mut levels = 0_usize;
        while let Token::Sign(sign) = self.peek()
            && is(sign)
            && let Some(by) = Operation::parse(sign)
        {
            levels = levels.saturating_add(1);
            if levels > Condition::MAX_DEPTH {
                return Err((ConditionProblem::TooDeep, self.span()));
            }
            self.at = self.at.saturating_add(1);
            let right = operand(self)?;
            let span = left.span.to(right.span);
            let ((a, mut below), (b, spans)) = (self.term(left)?, self.term(right)?);
            below.extend(spans);
            let term = Term::Arithmetic { left: Box::new(a), by, right: Box::new(b) };
            left = Parsed { item: Item::Term(term), span, below };
        }
        Ok(left)
    }

    /// What was read as a condition, with all places.
    fn predicate(&self, parsed: Parsed) -> Result<(Predicate, Vec<Span>)> {
        let mut spans = vec![parsed.span];
        let predicate = match parsed.item {
            Item::Predicate(predicate) => predicate,
            Item::Term(Term::Constant(Value::Bool(constant))) => Predicate::Constant(constant),
            Item::Term(term @ (Term::Attribute(_) | Term::Variable(_))) => {
                spans.push(parsed.span);
                Predicate::Is(term)
            }
            Item::Term(_) => return Err(self.other("a condition", parsed.span)),
        };
        spans.extend(parsed.below);
        Ok((predicate, spans))
    }

    /// What was read as a value, with all places.
    fn term(&self, parsed: Parsed) -> Result<(Term, Vec<Span>)> {
        let Item::Term(term) = parsed.item else { return Err(self.other("a value", parsed.span)) };
        let mut spans = vec![parsed.span];
        spans.extend(parsed.below);
        Ok((term, spans))
    }

    /// Goes a level down.
    fn nested<T>(&mut self, inside: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > Self::MAX_DEPTH {
            return Err((ConditionProblem::TooDeep, self.span()));
        }
        let result = inside(self);
        self.depth = self.depth.saturating_sub(1);
        result
    }

    fn peek(&self) -> Token<'t> {
        self.ahead(0)
    }

    fn ahead(&self, count: usize) -> Token<'t> {
        self.tokens.get(self.at.saturating_add(count)).map_or(Token::End, |(token, _)| *token)
    }

    fn span(&self) -> Span {
        let end = Span { start: self.text.len(), end: self.text.len() };
        self.tokens.get(self.at).map_or(end, |(_, span)| *span)
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Token::Sign(found) if found == sign);
        self.at = self.at.saturating_add(usize::from(found));
        found
    }

    /// Takes a sign that must be there, and answers its place.
    fn expect(&mut self, sign: &'static str, named: &'static str) -> Result<Span> {
        let span = self.span();
        if self.take(sign) { Ok(span) } else { Err(self.unexpected(named)) }
    }

    fn unexpected(&self, expected: &'static str) -> Failure {
        self.unexpected_but(expected, None)
    }

    fn unexpected_but(&self, expected: &'static str, hint: Option<&'static str>) -> Failure {
        let (problem, span) = self.other(expected, self.span());
        match problem {
            ConditionProblem::Unexpected { expected, found, .. } => {
                (ConditionProblem::Unexpected { expected, found, hint }, span)
            }
            other => (other, span),
        }
    }

    fn other(&self, expected: &'static str, span: Span) -> Failure {
        let found: Box<str> = match self.text.get(span.start..span.end) {
            None | Some("") => "the end".into(),
            Some(text) if text.len() <= 40 => format!("`{text}`").into(),
            Some(_) => "this".into(),
        };
        (ConditionProblem::Unexpected { expected, found, hint: None }, span)
    }
}
