use msa_core::prelude::*;

#[service_client(name = "user-service")]
trait UserApi {
    #[get]
    async fn users(&self) -> Result<String, CallError>;
}

fn main() {}
