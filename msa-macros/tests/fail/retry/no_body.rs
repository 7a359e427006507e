use msa_core::prelude::*;

trait Stock {
    #[retry(3)]
    async fn stock(&self) -> Result<u32, Problem>;
}

fn main() {}
