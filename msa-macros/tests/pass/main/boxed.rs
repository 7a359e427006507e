#![deny(warnings, clippy::all)]

#[msa_core::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    "7".parse::<u8>()?;
    Ok(())
}
