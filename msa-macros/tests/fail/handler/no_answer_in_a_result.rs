use msa_core::prelude::*;

struct Order;

#[handler]
async fn list() -> Result<Order, Problem> {
    Ok(Order)
}

fn main() {}
