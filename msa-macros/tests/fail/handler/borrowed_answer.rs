use msa_core::prelude::*;

#[handler]
async fn add(text: String) -> &str {
    &text
}

fn main() {}
