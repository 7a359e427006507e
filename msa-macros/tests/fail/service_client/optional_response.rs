use msa_core::prelude::*;
use msa_core::client::typed::Response;

#[service_client(name = "user-service")]
trait UserApi {
    #[get("/users")]
    async fn users(&self) -> Result<Option<Response>, CallError>;
}

fn main() {}
