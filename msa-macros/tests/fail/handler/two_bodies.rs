use msa_core::prelude::*;

#[handler]
async fn add(text: String, Json(order): Json<u32>) -> String {
    format!("{text}{order}")
}

fn main() {}
