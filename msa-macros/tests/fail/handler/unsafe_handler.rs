use msa_core::prelude::*;

#[handler]
async unsafe fn list() -> String {
    String::new()
}

fn main() {}
