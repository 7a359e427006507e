use msa_core::prelude::*;

#[handler]
fn list() -> String {
    String::new()
}

fn main() {}
