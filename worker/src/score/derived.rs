//! What analyses work out of a score once and share.

use super::Score;
use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

/// One value of each type. A copy of the score, which may be changed, begins anew.
#[derive(Debug, Default)]
pub(super) struct Derived(Mutex<Vec<Arc<dyn Any + Send + Sync>>>);

impl Clone for Derived {
    fn clone(&self) -> Self {
        Derived::default()
    }
}

impl Score {
    /// The value of a type that belongs to this score: the one made before, or else what `make` makes of the score.
    pub fn derived<T: Any + Send + Sync>(&self, make: impl FnOnce(&Score) -> T) -> Arc<T> {
        let known = || {
            let values = self.derived.0.lock().unwrap_or_else(PoisonError::into_inner);
            values.iter().find_map(|value| Arc::clone(value).downcast::<T>().ok())
        };
        known().unwrap_or_else(|| {
            // Not under the lock: `make` may ask for another value.
            let made = Arc::new(make(self));
            self.derived.0.lock().unwrap_or_else(PoisonError::into_inner).push(made.clone());
            made
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_made_once_for_each_type_and_anew_for_a_copy() {
        let score = Score::default();
        let inner = score.derived(|score| score.derived(|_| 7_u8).checked_add(1));
        let again = score.derived(|_| None::<u8>);
        assert_eq!((*inner, *again, *score.derived(|_| 0_u8)), (Some(8), Some(8), 7));
        assert_eq!(*score.clone().derived(|_| 0_u8), 0);
    }
}
