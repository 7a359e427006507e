use msa_core::prelude::*;

#[retry(3)]
async fn stock() -> u32 {
    7
}

fn main() {}
