//! Runs the programs of the root README as documentation tests.

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct Readme;
