//! Owns the rate of a sweep: the number of points that end per second at present. Pure.

/// The end of a point's last attempt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct End {
    /// When it ended, milliseconds since the epoch.
    pub ended_ms: u64,
    /// How long it ran, seconds.
    pub seconds: f64,
}

/// The window of the rate, milliseconds.
const WINDOW_MS: u64 = 60_000;

/// The rate uses at least this many ends, even if some are older than the window.
const ENOUGH: usize = 32;

/// The time without an end, in milliseconds, after which a sweep counts as paused, for jobs that run no longer than
/// `longest` seconds: a minute and twice the longest job.
pub fn pause_ms(longest: f64) -> u64 {
    WINDOW_MS + (longest.max(0.0) * 2e3) as u64
}

/// Points per second, from ends in any order: those of the newest minute, or the newest 32 if the minute has fewer. Pauses
/// longer than [`pause_ms`] are not counted. None: too few points have ended.
pub fn recent_rate(mut ends: Vec<End>) -> Option<f64> {
    ends.sort_unstable_by_key(|end| std::cmp::Reverse(end.ended_ms));
    let newest = ends.first()?.ended_ms;
    let within = ends.iter().take_while(|end| newest - end.ended_ms <= WINDOW_MS).count();
    ends.truncate(within.max(ENOUGH));
    let pause = pause_ms(ends.iter().map(|end| end.seconds).fold(0.0, f64::max));
    let gaps = ends.iter().zip(ends.iter().skip(1)).map(|(later, earlier)| later.ended_ms - earlier.ended_ms);
    let (count, sum) = gaps.filter(|gap| *gap <= pause).fold((0_u64, 0), |(count, sum), gap| (count + 1, sum + gap));
    // The time begins with the start of the oldest, not with its end: jobs that start together end together.
    let seconds = sum as f64 / 1e3 + ends.last()?.seconds.max(0.0);
    (count > 0 && seconds > 0.0).then(|| (count + 1) as f64 / seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(ended_ms: impl IntoIterator<Item = u64>, seconds: f64) -> Option<f64> {
        recent_rate(ended_ms.into_iter().map(|ended_ms| End { ended_ms, seconds }).collect())
    }

    #[test]
    fn the_rate_is_that_of_the_newest_minute_or_of_the_newest_ends() {
        assert_eq!(rate([], 1.0), None);
        assert_eq!(rate([5_000], 1.0), None, "one end has no rate");
        assert_eq!(rate([5_000, 5_004], 1.0), Some(2.0 / 1.004), "two slots, one second each");
        assert_eq!(rate([1_000, 3_000, 2_000], 1.0), Some(1.0));
        // Ten a second in the last minute, one a second before.
        let now = 10_000_000;
        let faster = (0..600).map(|i| now - i * 100).chain((0..600).map(|i| now - 60_000 - i * 1000));
        assert!((rate(faster, 1.0).unwrap() - 10.0).abs() < 0.2);
        // Jobs of an hour, eight of which end at once.
        let hours = (0..100).map(|i| now * 1000 - i / 8 * 3_600_000);
        assert!((rate(hours, 3600.0).unwrap() * 3600.0 - 8.0).abs() < 0.1);
    }

    #[test]
    fn a_night_without_workers_does_not_count() {
        let now = 100_000_000;
        let both_days = (0..10).map(|i| now - i * 2000).chain((0..100).map(|i| now - 36_000_000 - i * 2000));
        assert!((rate(both_days, 1.0).unwrap() - 0.5).abs() < 0.01);
    }
}
