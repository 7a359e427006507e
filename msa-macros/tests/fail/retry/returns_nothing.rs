use msa_core::prelude::*;

#[retry(3)]
async fn stock() {
    ()
}

fn main() {}
