use msa_core::prelude::*;

#[cached("30s")]
async fn stock() -> Result<u32, Box<dyn std::error::Error + Send + Sync>> {
    Ok(7)
}

fn main() {}
