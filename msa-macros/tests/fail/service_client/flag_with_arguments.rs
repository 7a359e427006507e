use msa_core::prelude::*;

#[service_client(name = "user-service")]
trait UserApi {
    #[post("/orders")]
    #[idempotent(true)]
    async fn place(&self, order: &str) -> Result<(), CallError>;
}

fn main() {}
