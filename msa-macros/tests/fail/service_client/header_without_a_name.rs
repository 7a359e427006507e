use msa_core::prelude::*;

#[service_client(name = "user-service")]
trait UserApi {
    #[get("/users")]
    async fn users(&self, #[header] request_id: &str) -> Result<String, CallError>;
}

fn main() {}
