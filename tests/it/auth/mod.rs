//! Who may come in, what they may do, and what they learn of others.

mod keys;
mod reach;
mod table;
mod tokens;
