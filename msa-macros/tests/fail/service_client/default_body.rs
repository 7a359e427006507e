use msa_core::prelude::*;

#[service_client(name = "user-service")]
trait UserApi {
    #[get("/orders")]
    async fn orders(&self) -> Result<(), CallError> {
        Ok(())
    }
}

fn main() {}
