use msa_core::prelude::*;

#[handler]
async fn add(text: &str) -> String {
    text.to_owned()
}

fn main() {}
