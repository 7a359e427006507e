use msa_core::prelude::*;

#[retry(3)]
struct Stock;

fn main() {}
