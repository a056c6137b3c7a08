//! Who may come in, what they may do, and what they learn of others.

mod audit;
mod browser;
mod issuer;
pub(crate) mod keys;
mod login;
mod operator;
mod public;
mod quotas;
mod reach;
mod reads;
mod sessions;
mod shared;
mod strangers;
mod table;
mod tokens;
