//! Depth, counted while a tree is read.

use std::cell::Cell;

use serde::{Deserialize, Deserializer, de::Error};

use super::Condition;

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

struct Level;

impl Level {
    fn enter() -> Option<Self> {
        DEPTH.with(|depth| {
            let next = depth.get().checked_add(1).filter(|next| *next <= Condition::MAX_DEPTH)?;
            depth.set(next);
            Some(Self)
        })
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        DEPTH.with(|depth| depth.set(depth.get().saturating_sub(1)));
    }
}

/// Reads what is inside a node. Not every format limits its depth, and a tree that is too deep for the stack must be
/// refused before it is built.
pub(super) fn nested<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    match Level::enter() {
        Some(_level) => T::deserialize(deserializer),
        None => Err(D::Error::custom("a condition that is nested too deeply")),
    }
}
