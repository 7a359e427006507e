use msa_core::prelude::*;

#[hedge("50ms", max_extra = 9)]
async fn stock() -> Result<u32, Problem> {
    Ok(7)
}

fn main() {}
