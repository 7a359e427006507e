use msa_core::prelude::*;

#[service_client(name = "user-service")]
trait UserApi {
    #[get("users/{idd}")]
    fn user(&mut self, id: u64) -> String;

    async fn nothing(&self) -> Result<(), CallError>;
}

fn main() {}
