use msa_core::prelude::*;

#[handler(timout = "1s", scope = "orders")]
async fn list() -> String {
    String::new()
}

fn main() {}
