#![deny(warnings, clippy::all)]

#[msa_core::main]
async fn main() -> Result<(), msa_core::Error> {
    std::future::ready(Ok(())).await
}
