//! Whatever form the function has.
