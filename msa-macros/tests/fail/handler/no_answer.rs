use msa_core::prelude::*;

struct Order;

#[handler]
async fn list() -> Order {
    Order
}

fn main() {}
