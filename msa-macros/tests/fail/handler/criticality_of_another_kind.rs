use msa_core::prelude::*;

#[handler(criticality = 3)]
async fn list() -> String {
    String::new()
}

fn main() {}
