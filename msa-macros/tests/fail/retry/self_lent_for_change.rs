use msa_core::prelude::*;

struct Stock(u32);

impl Stock {
    #[retry(3)]
    async fn stock(&mut self) -> Result<u32, Problem> {
        Ok(self.0)
    }
}

fn main() {}
