use msa_core::prelude::*;

#[cached("30s")]
async fn stock(Path(id): Path<u32>) -> Result<u32, Problem> {
    Ok(id)
}

fn main() {}
