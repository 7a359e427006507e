use msa_core::prelude::*;

struct Wrong;

#[handler]
async fn list() -> Result<String, Wrong> {
    Err(Wrong)
}

fn main() {}
