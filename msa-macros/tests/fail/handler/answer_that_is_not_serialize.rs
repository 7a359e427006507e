use msa_core::prelude::*;

struct Order;

#[handler]
async fn find(Path(_id): Path<u64>) -> Result<Json<Order>, Problem> {
    Ok(Json(Order))
}

fn main() {
    let _: Router = Router::new();
}
