use msa_core::prelude::*;

#[service_client(name = "user-service")]
trait UserApi {
    #[get("/users")]
    async fn users(&mut self) -> Result<String, CallError>;
}

fn main() {}
