use msa_core::prelude::*;

#[handler]
async fn add(Json(order): Json<u32>, State(app): State<u8>) -> String {
    format!("{order}{app}")
}

fn main() {}
