use msa_core::prelude::*;

#[retry(3)]
async fn stock(found: &mut Vec<u32>) -> Result<u32, Problem> {
    found.push(7);
    Ok(7)
}

fn main() {}
