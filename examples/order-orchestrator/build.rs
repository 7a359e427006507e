//! The migrations are compiled in, and cargo cannot see that by itself when a new one is added.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
