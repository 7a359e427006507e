use msa_core::prelude::*;

#[derive(Debug)]
struct Id(u64);

#[service_client(name = "user-service")]
trait UserApi {
    #[get("/users/{id}")]
    async fn user(&self, id: Id) -> Result<(), CallError>;
}

fn main() {}
