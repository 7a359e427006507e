use msa_core::prelude::*;

#[service_client(name = "user-service")]
trait UserApi {
    #[get("/users")]
    async fn users(&self, #[query] #[header("x-limit")] limit: u64) -> Result<String, CallError>;
}

fn main() {}
