use msa_core::prelude::*;

#[service_client(name = "user-service")]
trait UserApi<T> {
    #[get("/users")]
    async fn users(&self) -> Result<T, CallError>;
}

fn main() {}
