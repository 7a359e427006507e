//! The routes.

use msa_core::prelude::*;

use crate::store::{User, Users};

pub(crate) fn routes(users: Users) -> Router {
    Router::new()
        .route("/users/{id}", get(user))
        .with_state(users)
}

#[handler]
async fn user(State(users): State<Users>, Path(id): Path<i64>) -> Result<Json<User>, Problem> {
    let user = users.find(id).await?;
    user.map(Json).ok_or_else(|| {
        Problem::new(StatusCode::NOT_FOUND)
            .title("Unknown user")
            .detail(format!("there is no user {id}"))
            .with("user_id", id)
    })
}
