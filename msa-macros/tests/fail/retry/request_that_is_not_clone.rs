use msa_core::prelude::*;

#[retry(3)]
async fn stock(request: axum::extract::Request) -> impl IntoResponse {
    request.uri().to_string()
}

fn main() {}
