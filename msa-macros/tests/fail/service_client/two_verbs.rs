use msa_core::prelude::*;

#[service_client(name = "user-service")]
trait UserApi {
    #[get("/users")]
    #[post("/users")]
    async fn users(&self) -> Result<String, CallError>;
}

fn main() {}
