use msa_core::prelude::*;

#[service_client(name = "user-service")]
trait UserApi {
    #[get("/orders")]
    #[timeout(500)]
    async fn orders(&self) -> Result<(), CallError>;
}

fn main() {}
