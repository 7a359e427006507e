use msa_core::prelude::*;

struct User;

#[service_client(name = "user-service")]
trait UserApi {
    #[get("/user")]
    async fn user(&self) -> Result<User, CallError>;
}

fn main() {}
