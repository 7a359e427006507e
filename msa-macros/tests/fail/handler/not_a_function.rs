use msa_core::prelude::*;

#[handler]
struct List;

fn main() {}
