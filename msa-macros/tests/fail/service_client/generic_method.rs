use msa_core::prelude::*;

#[service_client(name = "user-service")]
trait UserApi {
    #[post("/users")]
    async fn add<T: Send>(&self, user: T) -> Result<(), CallError>;
}

fn main() {}
