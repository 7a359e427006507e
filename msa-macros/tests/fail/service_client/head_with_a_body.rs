use msa_core::prelude::*;

#[service_client(name = "user-service")]
trait UserApi {
    #[head("/users")]
    async fn users(&self) -> Result<String, CallError>;
}

fn main() {}
