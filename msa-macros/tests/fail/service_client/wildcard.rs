use msa_core::prelude::*;

#[service_client(name = "user-service")]
trait UserApi {
    #[get("/files/{*path}")]
    async fn file(&self, path: &str) -> Result<String, CallError>;
}

fn main() {}
