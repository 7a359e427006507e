use msa_core::prelude::*;

#[retry(3, name = "stock")]
#[timeout("1s", name = "stocks")]
async fn stock() -> Result<u32, Problem> {
    Ok(7)
}

fn main() {}
