use msa_core::prelude::*;

#[service_client(name = "user-service")]
trait UserApi {
    #[get("/users/../admin")]
    async fn admin(&self) -> Result<String, CallError>;
}

fn main() {}
