use msa_core::prelude::*;

#[service_client(name = "user-service")]
trait UserApi {
    #[get("/orders")]
    #[retry(max = 0)]
    async fn orders(&self) -> Result<(), CallError>;
}

fn main() {}
