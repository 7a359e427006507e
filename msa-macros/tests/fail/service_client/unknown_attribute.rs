use msa_core::prelude::*;

#[service_client(name = "user-service")]
trait UserApi {
    #[gett("/orders")]
    async fn orders(&self) -> Result<(), CallError>;
}

fn main() {}
