use msa_core::prelude::*;

#[service_client(name = "user-service")]
trait UserApi {
    #[post("/orders")]
    #[retry(max = 2)]
    async fn place(&self, order: &str) -> Result<(), CallError>;
}

fn main() {}
