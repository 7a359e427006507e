use msa_core::prelude::*;

#[handler]
async fn add(order: Option<Json<u32>>, Path(id): Path<u64>) -> String {
    format!("{}{id}", order.is_some())
}

fn main() {}
