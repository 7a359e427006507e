use msa_core::prelude::*;

#[service_client(name = "user-service")]
trait UserApi {
    #[get("/users")]
    async fn users(&self, #[header("x tenant")] tenant: &str, #[header("Host")] host: &str) -> Result<String, CallError>;
}

fn main() {}
