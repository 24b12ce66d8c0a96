//! Where an object ends, found by its braces alone.

use super::{JsonError, Reader};

impl<'a> Reader<'a> {
    /// Reads over the object that comes next and checks nothing but its braces; yields where it begins, and its
    /// text. Whoever wants it reads that text with a reader of its own, whose errors are then this object's
    /// and not those of what is around it.
    pub(crate) fn unchecked_object(&mut self) -> Result<(usize, &'a str), JsonError> {
        self.peek();
        let from = self.at;
        let (mut open, mut quoted, mut escaped) = (0usize, false, false);
        for (at, byte) in self.text.bytes().enumerate().skip(from) {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                b'{' if !quoted => open = open.saturating_add(1),
                b'}' if !quoted => {
                    open = open.saturating_sub(1);
                    if open == 0 {
                        self.at = at.saturating_add(1);
                        break;
                    }
                }
                _ => {}
            }
        }
        match self.text.get(from..self.at) {
            Some(text) if !text.is_empty() => Ok((from, text)),
            _ => Err(self.syntax()),
        }
    }
}
