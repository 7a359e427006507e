use msa_core::prelude::*;

#[service_client(name = "user-service")]
trait UserApi {
    #[get("/all users")]
    async fn users(&self) -> Result<String, CallError>;
}

fn main() {}
