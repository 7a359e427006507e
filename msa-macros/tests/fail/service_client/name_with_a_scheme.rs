use msa_core::prelude::*;

#[service_client(name = "http://user-service")]
trait UserApi {
    #[get("/users")]
    async fn users(&self) -> Result<(), CallError>;
}

fn main() {}
