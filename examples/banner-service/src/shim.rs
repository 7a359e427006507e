use serde::{Deserialize, Serialize};
#[derive(Debug, Clone, Deserialize, Serialize, schemars::JsonSchema)]
pub struct Secret(String);
impl Secret { pub fn new(s: impl Into<String>) -> Self { Self(s.into()) } pub fn get(&self) -> &str { &self.0 } }
