//! The reader as a whole: from text to score.
