use msa_core::prelude::*;

#[handler(timeout = 500)]
async fn list() -> String {
    String::new()
}

fn main() {}
