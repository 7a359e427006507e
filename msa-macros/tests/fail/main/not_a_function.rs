#[msa_core::main]
struct Main;

fn main() {}
