//! Composes an order out of what four other services know and do. Keeps nothing itself.

mod api;
mod offers;
mod order;
mod services;
mod settings;

use msa_core::prelude::*;

use offers::Offers;
use services::Services;
use settings::OrchestratorSettings;

#[msa_core::main]
async fn main() -> Result<(), msa_core::Error> {
    let service = Service::builder("order-orchestrator")
        .about("Composes an order out of what four other services know and do.")
        .section::<OrchestratorSettings>("orchestrator")
        .from_env()?;
    let settings = service.section::<OrchestratorSettings>("orchestrator")?;
    let services = Services::new(service.client(), &settings);
    let offers = Offers::new(service.client());
    service.routes(api::routes(services, offers)).run().await
}
