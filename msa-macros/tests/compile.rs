//! What compiles, and what is said of what does not: each message is pinned beside its case.
//!
//! `TRYBUILD=overwrite cargo test -p msa-macros --test compile` writes the messages anew; read what changed.

#[test]
fn attributes() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/pass/*/*.rs");
    cases.compile_fail("tests/fail/*/*.rs");
}
