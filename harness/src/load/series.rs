//! A run over time, second by second; what is over is kept as figures, not as histograms.

use std::collections::BTreeMap;

use x402_assay_reports::model::load::{LoadInterval, SERIES_MAX};

use super::shard::Tick;
use super::tally::Counts;
use super::times::{Times, merge, times};

/// The intervals of a run.
#[derive(Debug)]
pub(super) struct Series {
    shards: usize,
    /// Seconds of one interval: a long run has wide ones.
    width: u64,
    warm_up_s: f64,
    open: BTreeMap<u64, Open>,
    done: BTreeMap<u64, LoadInterval>,
    all: Counts,
}

#[derive(Debug)]
struct Open {
    told: u64,
    counts: Counts,
    times: Times,
    classes: BTreeMap<String, u64>,
    in_flight: u64,
}

/// What the last whole second came to.
#[derive(Debug)]
pub(super) struct Second {
    pub(super) second: u64,
    pub(super) counts: Counts,
    pub(super) p50_us: u64,
    pub(super) p99_us: u64,
    pub(super) in_flight: u64,
}

impl Series {
    /// Of a run of so many shards that lasts about so many seconds.
    pub(super) fn new(shards: usize, seconds: u64, warm_up_s: f64) -> Self {
        // What is under way at the end takes a while too.
        let most = SERIES_MAX as u64 - SERIES_MAX as u64 / 10;
        Self {
            shards,
            width: seconds.div_ceil(most).max(1),
            warm_up_s,
            open: BTreeMap::new(),
            done: BTreeMap::new(),
            all: Counts::default(),
        }
    }

    /// Counters so far, warm-up included.
    pub(super) const fn all(&self) -> &Counts {
        &self.all
    }

    /// Takes a shard's second; gives the interval if that made it whole.
    pub(super) fn take(&mut self, tick: Tick) -> Option<Second> {
        self.all.add(&tick.counts);
        let place = tick.second / self.width;
        if let Some(done) = self.done.get_mut(&place) {
            // The rest of a second after its tick.
            add(done, &tick.counts, &tick.classes);
            return None;
        }
        let open = self.open.entry(place).or_insert_with(|| Open {
            told: 0,
            counts: Counts::default(),
            times: times(),
            classes: BTreeMap::new(),
            in_flight: 0,
        });
        open.counts.add(&tick.counts);
        merge(&mut open.times, &tick.times);
        for (class, count) in tick.classes {
            *open.classes.entry(class).or_default() += count;
        }
        if tick.second % self.width == self.width - 1 {
            open.in_flight += tick.in_flight;
        }
        open.told += 1;
        if open.told < self.shards as u64 * self.width {
            return None;
        }
        let open = self.open.remove(&place)?;
        let second = Second {
            second: tick.second + 1,
            counts: open.counts,
            p50_us: open.times.value_at_quantile(0.5),
            p99_us: open.times.value_at_quantile(0.99),
            in_flight: open.in_flight,
        };
        self.done.insert(place, self.interval(place, open));
        Some(second)
    }

    /// Every interval, the last one as long as it was.
    pub(super) fn finish(mut self, length_s: f64) -> Vec<LoadInterval> {
        for (place, open) in std::mem::take(&mut self.open) {
            let interval = self.interval(place, open);
            self.done.insert(place, interval);
        }
        let mut intervals: Vec<LoadInterval> = self.done.into_values().collect();
        if let Some(last) = intervals.last_mut() {
            last.width_s = (length_s - last.at_s).clamp(0.001, last.width_s);
        }
        intervals.truncate(SERIES_MAX);
        intervals
    }

    fn interval(&self, place: u64, open: Open) -> LoadInterval {
        let at =
            |quantile| (!open.times.is_empty()).then(|| open.times.value_at_quantile(quantile));
        #[expect(clippy::cast_precision_loss, reason = "seconds of a run")]
        let (at_s, width_s) = ((place * self.width) as f64, self.width as f64);
        let mut interval = LoadInterval {
            at_s,
            width_s,
            warm_up: at_s < self.warm_up_s,
            in_flight: open.in_flight,
            p50_us: at(0.5),
            p99_us: at(0.99),
            ..LoadInterval::default()
        };
        add(&mut interval, &open.counts, &open.classes);
        interval
    }
}

fn add(interval: &mut LoadInterval, counts: &Counts, classes: &BTreeMap<String, u64>) {
    interval.offered += counts.due;
    interval.sent += counts.sent;
    interval.dropped += counts.dropped;
    interval.goodput += counts.good;
    interval.errors += counts.errors;
    let ends = interval.ends.get_or_insert_default();
    ends.add(&counts.ends);
    for (class, count) in classes {
        *interval.classes.entry(class.clone()).or_default() += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use x402_assay_reports::model::load::LoadEnds;

    fn tick(second: u64, due: u64) -> Tick {
        let mut times = times();
        crate::load::times::record(&mut times, Duration::from_millis(due));
        Tick {
            second,
            counts: Counts {
                due,
                ends: LoadEnds {
                    good: due - 1,
                    refused: 1,
                    ..LoadEnds::default()
                },
                ..Counts::default()
            },
            times,
            classes: BTreeMap::from([("200".to_owned(), due)]),
            in_flight: 1,
        }
    }

    #[test]
    fn shards_are_put_together_second_by_second() {
        let mut series = Series::new(2, 10, 1.0);
        assert!(series.take(tick(0, 10)).is_none());
        assert!(series.take(tick(1, 30)).is_none());
        let second = series.take(tick(0, 20)).unwrap();
        assert_eq!(
            (second.second, second.counts.due, second.in_flight),
            (1, 30, 2)
        );
        // A late rest of that second.
        assert!(series.take(tick(0, 1)).is_none());
        assert_eq!(series.all().due, 61);
        let intervals = series.finish(1.25);
        let seen: Vec<(f64, f64, bool, u64, u64)> = intervals
            .iter()
            .map(|i| (i.at_s, i.width_s, i.warm_up, i.offered, i.classes["200"]))
            .collect();
        assert_eq!(seen, [(0.0, 1.0, true, 31, 31), (1.0, 0.25, false, 30, 30)]);
        assert!(intervals.iter().all(|i| i.p50_us.is_some()));
        let ends: Vec<(u64, u64)> = intervals
            .iter()
            .filter_map(|i| i.ends.map(|ends| (ends.good, ends.refused)))
            .collect();
        assert_eq!(ends, [(28, 3), (29, 1)]);
    }

    #[test]
    fn a_long_run_fits_in_the_report() {
        let mut series = Series::new(1, 5_000, 0.0);
        for second in 0..5_000 {
            series.take(tick(second, 1));
        }
        let intervals = series.finish(5_000.0);
        assert!(intervals.len() <= SERIES_MAX, "{}", intervals.len());
        let due: u64 = intervals.iter().map(|interval| interval.offered).sum();
        assert_eq!(due, 5_000);
    }
}
