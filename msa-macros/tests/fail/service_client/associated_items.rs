use msa_core::prelude::*;

#[service_client(name = "user-service")]
trait UserApi {
    type Id;
    const N: u32;
    #[get("/users")]
    async fn users(&self) -> Result<(), CallError>;
}

fn main() {}
