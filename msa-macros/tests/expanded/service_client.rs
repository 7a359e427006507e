#[service_client(name = "user-service", path = "/api")]
trait UserApi {
    /// One user.
    #[get("/users/{id}")]
    async fn user(&self, id: u64) -> Result<User, CallError>;

    #[post("/users")]
    #[timeout("500ms")]
    async fn add(&self, #[header("idempotency-key")] key: &str, user: &User) -> Result<(), CallError>;
}
