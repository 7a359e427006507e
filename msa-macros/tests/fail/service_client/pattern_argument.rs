use msa_core::prelude::*;

#[service_client(name = "user-service")]
trait UserApi {
    #[get("/users")]
    async fn users(&self, (a, b): (u8, u8)) -> Result<String, CallError>;
}

fn main() {}
