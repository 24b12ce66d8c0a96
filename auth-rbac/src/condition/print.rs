//! From the tree back to text.

use std::fmt::{self, Write as _};

use super::{
    error::Span,
    text::{quote, quote_pattern},
    tree::{Nested, Operation, Predicate, Term, Variable},
    zone::{Rfc3339, Units},
};
use crate::attribute::value::Value;

/// A condition as text, and the places of its nodes in the order of the tree. The text is read as the same tree.
pub(super) fn print(condition: &Predicate) -> (String, Vec<Span>) {
    let mut printer = Printer { text: String::new(), spans: Vec::new() };
    // Writing to a string does not fail.
    let _ = printer.predicate(condition);
    (printer.text, printer.spans)
}

/// One clause as text.
pub(crate) fn clause(condition: &Predicate) -> String {
    print(condition).0
}

struct Printer {
    text: String,
    spans: Vec<Span>,
}

impl Printer {
    /// Writes a node, and notes its place before those of the nodes below it.
    fn node(&mut self, write: impl FnOnce(&mut Self) -> fmt::Result) -> fmt::Result {
        let (start, at) = (self.text.len(), self.spans.len());
        self.spans.push(Span { start, end: start });
        write(self)?;
        if let Some(span) = self.spans.get_mut(at) {
            span.end = self.text.len();
        }
        Ok(())
    }

    fn predicate(&mut self, predicate: &Predicate) -> fmt::Result {
        self.node(|printer| printer.inside(predicate))
    }

    fn inside(&mut self, predicate: &Predicate) -> fmt::Result {
        match predicate {
            Predicate::Constant(constant) => write!(self.text, "{constant}"),
            Predicate::Is(term) => self.term(term),
            Predicate::All(list) => {
                self.list(list, " && ", |inner| matches!(inner, Predicate::All(_) | Predicate::Any(_)))
            }
            Predicate::Any(list) => self.list(list, " || ", |inner| matches!(inner, Predicate::Any(_))),
            Predicate::Not(inner) => {
                self.text.push('!');
                let alone = matches!(
                    **inner,
                    Predicate::Constant(_)
                        | Predicate::Is(_)
                        | Predicate::Not(_)
                        | Predicate::Has(_)
                        | Predicate::AnyOf { .. }
                        | Predicate::AllOf { .. }
                );
                self.bracketed(!alone, |printer| printer.predicate(inner))
            }
            Predicate::Compare { left, by, right } => {
                self.term(left)?;
                write!(self.text, " {by} ")?;
                self.term(right)
            }
            Predicate::In { value, set } => {
                self.term(value)?;
                self.text.push_str(" in ");
                self.term(set)
            }
            Predicate::Within { value, from, to, inclusive } => {
                self.term(value)?;
                self.text.push_str(" in ");
                self.term(from)?;
                self.text.push_str(if *inclusive { "..=" } else { ".." });
                self.term(to)
            }
            Predicate::Like { text, pattern } => {
                self.term(text)?;
                self.text.push_str(" like ");
                quote_pattern(pattern, &mut self.text)
            }
            Predicate::Has(path) => write!(self.text, "has {path}"),
            Predicate::AnyOf { variable, set, holds } => self.quantifier("any", variable, set, holds),
            Predicate::AllOf { variable, set, holds } => self.quantifier("all", variable, set, holds),
        }
    }

    fn list(&mut self, list: &[Predicate], between: &str, brackets: fn(&Predicate) -> bool) -> fmt::Result {
        for (n, inner) in list.iter().enumerate() {
            if n > 0 {
                self.text.push_str(between);
            }
            self.bracketed(brackets(inner), |printer| printer.predicate(inner))?;
        }
        Ok(())
    }

    fn quantifier(&mut self, word: &str, variable: &Variable, set: &Term, holds: &Nested) -> fmt::Result {
        write!(self.text, "{word}({} in ", variable.as_str())?;
        self.term(set)?;
        self.text.push_str(": ");
        self.predicate(&holds.0)?;
        self.text.push(')');
        Ok(())
    }

    fn bracketed(&mut self, brackets: bool, write: impl FnOnce(&mut Self) -> fmt::Result) -> fmt::Result {
        if brackets {
            self.text.push('(');
        }
        write(self)?;
        if brackets {
            self.text.push(')');
        }
        Ok(())
    }

    fn term(&mut self, term: &Term) -> fmt::Result {
        self.node(|printer| match term {
            Term::Constant(value) => constant(value, &mut printer.text),
            Term::Attribute(path) => write!(printer.text, "{path}"),
            Term::Principal => printer.text.write_str("principal"),
            Term::Variable(variable) => printer.text.write_str(variable.as_str()),
            Term::Size(set) => {
                printer.text.push_str("size(");
                printer.term(set)?;
                printer.text.write_str(")")
            }
            Term::Part { time, part, zone } => {
                let alone = matches!(**time, Term::Attribute(_) | Term::Variable(_) | Term::Size(_) | Term::Part { .. })
                    || matches!(&**time, Term::Constant(Value::Time(_)));
                printer.bracketed(!alone, |printer| printer.term(time))?;
                if let Some(zone) = zone {
                    printer.text.push_str(".zone(");
                    quote(zone.as_str(), &mut printer.text)?;
                    printer.text.push(')');
                }
                write!(printer.text, ".{part}")
            }
            Term::Arithmetic { left, by, right } => {
                let rank = |by: Operation| by == Operation::Multiply;
                let looser = |term: &Term| matches!(term, Term::Arithmetic { by: inner, .. } if !rank(*inner) && rank(*by));
                let same = |term: &Term| matches!(term, Term::Arithmetic { by: inner, .. } if rank(*inner) == rank(*by));
                printer.bracketed(looser(left), |printer| printer.term(left))?;
                write!(printer.text, " {by} ")?;
                printer.bracketed(looser(right) || same(right), |printer| printer.term(right))
            }
        })
    }
}

/// Writes a constant.
pub(crate) fn constant(value: &Value, f: &mut impl fmt::Write) -> fmt::Result {
    match value {
        Value::Bool(value) => write!(f, "{value}"),
        Value::Integer(value) => write!(f, "{value}"),
        Value::Decimal(value) => write!(f, "{value}"),
        Value::Text(value) => quote(value, f),
        Value::Time(value) => write!(f, "time(\"{}\")", Rfc3339(*value)),
        Value::Duration(value) => write!(f, "{}", Units(*value)),
        Value::Address(value) => write!(f, "ip(\"{value}\")"),
        Value::Network(value) => write!(f, "cidr(\"{value}\")"),
        Value::Principal(value) => {
            f.write_str("principal(")?;
            quote(value.realm().as_str(), f)?;
            write!(f, ", \"{}\", ", value.kind().as_str())?;
            quote(value.id(), f)?;
            f.write_str(")")
        }
        set => {
            f.write_str("[")?;
            for (n, value) in set.singles().iter().enumerate() {
                if n > 0 {
                    f.write_str(", ")?;
                }
                constant(value, f)?;
            }
            f.write_str("]")
        }
    }
}
