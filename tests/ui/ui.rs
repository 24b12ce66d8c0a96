//! Wrong use that must not compile, each case with the compiler's words, and right use that must.
//!
//! `TRYBUILD=overwrite cargo test -p ui` writes the words anew.

#[test]
fn wrong_use_does_not_compile() {
    let cases = trybuild::TestCases::new();
    cases.pass("pass/*.rs");
    cases.compile_fail("fail/*/*.rs");
}
