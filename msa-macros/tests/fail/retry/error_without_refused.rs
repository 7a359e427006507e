use msa_core::prelude::*;

#[derive(Debug)]
struct Gone;

#[retry(3)]
async fn stock() -> Result<u32, Gone> {
    Ok(7)
}

fn main() {}
