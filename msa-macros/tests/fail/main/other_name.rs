#[msa_core::main]
async fn start() {}

fn main() {}
