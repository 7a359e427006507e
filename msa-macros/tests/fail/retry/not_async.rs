use msa_core::prelude::*;

#[retry(3)]
fn stock() -> Result<u32, Problem> {
    Ok(7)
}

fn main() {}
