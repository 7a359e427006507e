struct Wrong;

#[msa_core::main]
async fn main() -> Result<(), Wrong> {
    Err(Wrong)
}
