use msa_core::prelude::*;

#[handler]
async fn add<'a>(Path(id): Path<u64>) -> String {
    id.to_string()
}

fn main() {}
