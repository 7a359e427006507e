//! Knows the users of the shop.

mod api;
mod store;

use std::error::Error;

use msa_core::prelude::*;
use shop::database::{Database, DatabaseSettings};

use store::Users;

#[msa_core::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let service = Service::builder("user-service")
        .about("Knows the users of the shop.")
        .section::<DatabaseSettings>("database")
        .env_alias("DATABASE_URL", "database.url")
        .command("migrate", "create or update the tables, then exit")
        .command("seed", "insert sample users, then exit")
        .from_env()?;
    let settings = service.section::<DatabaseSettings>("database")?;
    let database = Database::new(&settings, service.name(), store::MIGRATIONS);
    let users = Users::new(database.clone());
    match service.command() {
        Some("migrate") => database.migrate().await?,
        Some("seed") => users.seed().await?,
        _ => {
            let service = shop::database::attend(service, &database).await;
            service.routes(api::routes(users)).run().await?;
        }
    }
    Ok(())
}
