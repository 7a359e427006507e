use msa_core::prelude::*;

#[handler(scope = "orders:read\\orders:write")]
async fn list() -> String {
    String::new()
}

fn main() {}
