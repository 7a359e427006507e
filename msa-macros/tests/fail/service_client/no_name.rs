use msa_core::prelude::*;

#[service_client]
trait UserApi {
    #[get("/users")]
    async fn users(&self) -> Result<(), CallError>;
}

fn main() {}
