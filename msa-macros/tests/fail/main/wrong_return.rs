#[msa_core::main]
async fn main() -> u8 {
    1
}
