#![deny(warnings, clippy::all)]

#[msa_core::main]
async fn main() {}
