use msa_core::prelude::*;

#[retry(max = 0)]
async fn stock(Path(id): Path<u32>, mut sum: u32) -> Result<u32, Problem> {
    sum += id;
    Ok(sum)
}

fn main() {}
