//! Who may come in, what they may do, and what they learn of others.

mod audit;
mod keys;
mod quotas;
mod reach;
mod strangers;
mod table;
mod tokens;
