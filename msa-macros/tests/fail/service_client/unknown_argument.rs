use msa_core::prelude::*;

#[service_client(name = "user-service", pth = "/api")]
trait UserApi {
    #[get("/users")]
    async fn users(&self) -> Result<(), CallError>;
}

fn main() {}
