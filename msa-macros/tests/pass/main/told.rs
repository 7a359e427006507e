#![deny(warnings, clippy::all)]

struct Told;

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("told")
    }
}

#[msa_core::main]
async fn main() -> Result<(), Told> {
    if std::env::args().count() > 9 {
        return Err(Told);
    }
    Ok(())
}
