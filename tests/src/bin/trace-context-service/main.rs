//! The service that the W3C's own Trace Context test-suite plays against: `POST /test` with a JSON array of `{url, arguments}` calls each
//! url with its `arguments` as the JSON body.
//!
//! ```text
//! PORT=5000 trace-context-service &
//! SPEC_LEVEL=2 STRICT_LEVEL=2 python3 test.py http://127.0.0.1:5000/test
//! ```
//!
//! with `test.py` of <https://github.com/w3c/trace-context>.

use std::process::ExitCode;

use msa_core::prelude::*;
use serde::Deserialize;
use serde_json::Value;

/// One call to make.
#[derive(Debug, Deserialize)]
struct Step {
    url: String,
    arguments: Value,
}

async fn test(
    State(client): State<ServiceClient>,
    Json(steps): Json<Vec<Step>>,
) -> Result<(), Problem> {
    for step in steps {
        let call = client.post(step.url).json(&step.arguments);
        call.send().await?.error_for_status()?;
    }
    Ok(())
}

fn main() -> ExitCode {
    msa_core::run(async {
        let service = Service::from_env("trace-context-service")?;
        // The suite names addresses, not services.
        let client = ServiceClient::builder()
            .allow_plain_hosts(true)
            .live_settings(service.config().watch())
            .traces(service.traces().clone())
            .build()
            .map_err(msa_core::Error::other)?;
        let routes = Router::new().route("/test", post(test)).with_state(client);
        service.routes(routes).run().await
    })
}
