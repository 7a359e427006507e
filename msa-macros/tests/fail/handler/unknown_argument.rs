use msa_core::prelude::*;

#[handler(timout = "1s", role = "orders")]
async fn list() -> String {
    String::new()
}

fn main() {}
