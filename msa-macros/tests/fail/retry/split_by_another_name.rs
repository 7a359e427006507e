use msa_core::prelude::*;

use msa_core::retry as again;

#[timeout("1s")]
#[again(3)]
async fn stock() -> Result<u32, Problem> {
    Ok(7)
}

fn main() {}
