use msa_core::prelude::*;

#[service_client(name = "user-service")]
trait UserApi {
    #[get("/orders")]
    #[timeout]
    async fn orders(&self) -> Result<(), CallError>;
}

fn main() {}
