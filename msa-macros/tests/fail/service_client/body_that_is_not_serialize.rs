use msa_core::prelude::*;

struct User;

#[service_client(name = "user-service")]
trait UserApi {
    #[post("/users")]
    async fn add(&self, user: &User) -> Result<(), CallError>;
}

fn main() {}
