use msa_core::prelude::*;

#[service_client(name = "user-service")]
trait UserApi {
    #[get("users/{id}")]
    async fn user(&self, id: u64) -> Result<String, CallError>;
}

fn main() {}
