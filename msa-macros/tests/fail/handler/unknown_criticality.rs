use msa_core::prelude::*;

#[handler(criticality = "shedable")]
async fn list() -> String {
    String::new()
}

fn main() {}
