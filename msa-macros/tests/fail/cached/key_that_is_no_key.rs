use msa_core::prelude::*;

#[cached("30s")]
async fn stock(weight: f64) -> Result<u32, Problem> {
    drop(weight);
    Ok(7)
}

fn main() {}
