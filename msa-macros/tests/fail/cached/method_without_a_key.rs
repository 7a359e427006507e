use msa_core::prelude::*;

struct Stock(u32);

impl Stock {
    #[cached("30s")]
    async fn stock(&self) -> Result<u32, Problem> {
        Ok(self.0)
    }
}

fn main() {}
