use msa_core::prelude::*;

#[service_client(name = "user-service")]
trait UserApi {
    #[get("/users/{user_id}")]
    async fn user(&self, userid: u64) -> Result<String, CallError>;
}

fn main() {}
