use msa_core::prelude::*;

#[service_client(name = "user-service")]
trait UserApi {
    #[get("/orders")]
    #[retry(2)]
    #[no_retry]
    async fn orders(&self) -> Result<(), CallError>;
}

fn main() {}
