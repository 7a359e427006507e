use msa_core::prelude::*;

#[service_client(name = "user-service")]
trait UserApi: Send + Clone {
    #[get("/users")]
    async fn users(&self) -> Result<(), CallError>;
}

fn main() {}
