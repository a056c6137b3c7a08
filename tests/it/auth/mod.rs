//! Who may come in, what they may do, and what they learn of others.

mod audit;
pub(crate) mod keys;
mod public;
mod quotas;
mod reach;
mod shared;
mod strangers;
mod table;
mod tokens;
