use msa_core::prelude::*;

fn is_transient(error: &str) -> bool {
    error.is_empty()
}

#[retry(when = is_transient)]
async fn stock() -> Result<u32, Problem> {
    Ok(7)
}

fn main() {}
