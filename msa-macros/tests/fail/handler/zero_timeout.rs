use msa_core::prelude::*;

#[handler(timeout = "0ms")]
async fn list() -> String {
    String::new()
}

fn main() {}
