//! `[txn]`: transactions on the wire.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Transactions: ids, hop limit, trust.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct TxnSettings {
    /// The highest LTXID that is served, 1 to 255; a request that went through more hops is answered 508. **Restart.**
    #[schemars(range(min = 1, max = 255), extend("x-msa-restart" = true))]
    pub max_hops: u8,
    /// From which networks the ids of requests are believed; others get new ones. All by default. **Restart.**
    #[schemars(with = "Vec<String>", extend("items" = {"type": "string", "format": "ip-net"}), extend("x-msa-restart" = true))]
    pub trust: Vec<IpNet>,
    /// The names of the headers.
    pub headers: TxnHeaderNames,
}

impl Default for TxnSettings {
    fn default() -> Self {
        Self {
            max_hops: 32,
            trust: vec![Ipv4Net::default().into(), Ipv6Net::default().into()],
            headers: TxnHeaderNames::default(),
        }
    }
}

/// The names of the transaction headers, lower case. They must differ, and be the same in all services.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct TxnHeaderNames {
    /// The global transaction. **Restart.**
    #[schemars(extend("x-msa-restart" = true, "format" = "header-name"))]
    pub gtxid: String,
    /// The hop. **Restart.**
    #[schemars(extend("x-msa-restart" = true, "format" = "header-name"))]
    pub ltxid: String,
    /// The call within the transaction. **Restart.**
    #[schemars(extend("x-msa-restart" = true, "format" = "header-name"))]
    pub branch: String,
    /// Which try of the call it is. **Restart.**
    #[schemars(extend("x-msa-restart" = true, "format" = "header-name"))]
    pub attempt: String,
    /// The time left, in milliseconds. **Restart.**
    #[schemars(extend("x-msa-restart" = true, "format" = "header-name"))]
    pub timeout: String,
    /// The retries left. **Restart.**
    #[schemars(extend("x-msa-restart" = true, "format" = "header-name"))]
    pub retries: String,
    /// Who is shed first. **Restart.**
    #[schemars(extend("x-msa-restart" = true, "format" = "header-name"))]
    pub criticality: String,
}

impl Default for TxnHeaderNames {
    fn default() -> Self {
        Self {
            gtxid: "x-gtxid".into(),
            ltxid: "x-ltxid".into(),
            branch: "x-txn-branch".into(),
            attempt: "x-txn-attempt".into(),
            timeout: "x-txn-timeout-ms".into(),
            retries: "x-txn-retries".into(),
            criticality: "x-msa-criticality".into(),
        }
    }
}
