#[msa_core::main]
async fn main(name: String) {}
