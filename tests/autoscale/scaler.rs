//! What Kubernetes makes of the depth of the lanes: KEDA's activation, the formula of the horizontal autoscaler, and its
//! waits. Pure: time comes from the caller.

use std::time::Duration;

/// What `helm/values.yaml` and Kubernetes say by default.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Messages for each worker.
    pub value: u64,
    /// Workers at the most.
    pub most: u64,
    /// From the last message until the last worker goes.
    pub cooldown: Duration,
    /// How long a depth must have been lower.
    pub stabilisation: Duration,
}

/// The state between two looks.
#[derive(Debug)]
pub struct Scaler {
    settings: Settings,
    last_active: Duration,
    recommended: Vec<(Duration, u64)>,
}

/// What the autoscaler takes for equal.
const TOLERANCE: f64 = 0.1;

impl Scaler {
    /// One that has seen nothing.
    pub const fn new(settings: Settings) -> Self {
        Scaler { settings, last_active: Duration::ZERO, recommended: Vec::new() }
    }

    /// Allows fewer workers from now on.
    pub const fn limit(&mut self, most: u64) {
        self.settings.most = most;
    }

    /// How many workers there shall be, `now`, with `depth` messages in the lanes and `current` workers.
    pub fn wanted(&mut self, now: Duration, depth: u64, current: u64) -> u64 {
        let Settings { value, most, cooldown, stabilisation } = self.settings;
        if depth > 0 {
            self.last_active = now;
        }
        if current == 0 {
            self.recommended.clear();
            return u64::from(depth > 0);
        }
        if depth == 0 && now.saturating_sub(self.last_active) >= cooldown {
            return 0;
        }
        #[allow(clippy::cast_precision_loss, reason = "a few thousand messages")]
        let ratio = depth as f64 / (value * current) as f64;
        let raw = if (ratio - 1.0).abs() <= TOLERANCE { current } else { depth.div_ceil(value) };
        let raw = raw.clamp(1, most);
        self.recommended.retain(|(when, _)| now.saturating_sub(*when) <= stabilisation);
        self.recommended.push((now, raw));
        if raw > current {
            // The default policy: twice as many, or four more.
            return raw.min((current * 2).max(current + 4));
        }
        let highest = self.recommended.iter().map(|(_, wanted)| *wanted).max().unwrap_or(raw);
        highest.min(current).min(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: Settings = Settings {
        value: 2,
        most: 10,
        cooldown: Duration::from_secs(120),
        stabilisation: Duration::from_secs(120),
    };

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn it_comes_from_zero_grows_by_steps_and_stays_below_the_most() {
        let mut scaler = Scaler::new(SETTINGS);
        assert_eq!(scaler.wanted(at(0), 0, 0), 0);
        assert_eq!(scaler.wanted(at(10), 40, 0), 1);
        assert_eq!(scaler.wanted(at(25), 40, 1), 5);
        assert_eq!(scaler.wanted(at(40), 40, 5), 10);
        assert_eq!(scaler.wanted(at(55), 400, 10), 10);
        assert_eq!(scaler.wanted(at(70), 21, 10), 10, "that is about as many");
    }

    #[test]
    fn it_shrinks_once_the_depth_was_lower_for_long_enough_and_goes_after_the_cooldown() {
        let mut scaler = Scaler::new(SETTINGS);
        assert_eq!(scaler.wanted(at(0), 20, 10), 10);
        assert_eq!(scaler.wanted(at(60), 6, 10), 10, "not yet");
        assert_eq!(scaler.wanted(at(121), 6, 10), 3);
        assert_eq!(scaler.wanted(at(130), 0, 3), 3);
        assert_eq!(scaler.wanted(at(240), 0, 3), 3);
        assert_eq!(scaler.wanted(at(241), 0, 3), 0, "120 s from the last message");
    }

    #[test]
    fn where_fewer_are_allowed_the_others_go_at_once() {
        let mut scaler = Scaler::new(SETTINGS);
        assert_eq!(scaler.wanted(at(0), 40, 10), 10);
        scaler.limit(5);
        assert_eq!(scaler.wanted(at(1), 40, 10), 5);
    }
}
