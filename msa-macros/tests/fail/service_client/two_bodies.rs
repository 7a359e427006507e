use msa_core::prelude::*;

#[service_client(name = "user-service")]
trait UserApi {
    #[post("/users")]
    async fn add(&self, #[body] user: &str, #[form] form: &str) -> Result<(), CallError>;
}

fn main() {}
