use msa_core::prelude::*;

struct Api;

impl Api {
    #[handler]
    async fn list(&self) -> String {
        String::new()
    }
}

fn main() {}
