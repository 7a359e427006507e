use msa_core::prelude::*;

#[service_client(name = "user-service")]
trait UserApi {
    #[delete("/users/{id}")]
    async fn remove(&self, id: u64);
}

fn main() {}
