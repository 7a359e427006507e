use msa_core::prelude::*;

#[service_client(name = "user-service")]
struct UserApi;

fn main() {}
