use msa_core::prelude::*;

struct Stock(u32);

impl Stock {
    #[fallback(with = Self::other)]
    async fn stock(&mut self) -> Result<u32, Problem> {
        Ok(self.0)
    }

    async fn other(&self) -> Result<u32, Problem> {
        Ok(0)
    }
}

fn main() {}
