//! Contracts that the front and the workers of Ripieno agree on. Nothing here knows music.

pub mod failure;
pub mod limits;
pub mod place;
