//! The command line of Ripieno.

fn main() {}
