#[msa_core::main]
fn main() {}
