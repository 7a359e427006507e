use msa_core::prelude::*;

#[service_client(name = "user-service", path = "/{tenant}")]
trait UserApi {
    #[get("/users")]
    async fn users(&self) -> Result<(), CallError>;
}

fn main() {}
