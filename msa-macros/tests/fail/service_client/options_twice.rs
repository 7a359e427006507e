use msa_core::prelude::*;

#[service_client(name = "user-service")]
trait UserApi {
    #[get("/users")]
    #[timeout("1s")]
    async fn users(&self, #[options] options: CallOptions) -> Result<String, CallError>;
}

fn main() {}
