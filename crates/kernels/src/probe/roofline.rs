//! The measured limits of a device, and what they mean for a piece of work.

use serde::{Deserialize, Serialize};

/// The peak rate of one kind of arithmetic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Peak {
    /// It was measured.
    Measured {
        /// 10⁹ operations a second; a multiply-add counts as two.
        gops: f64,
        /// Which variant of the kernel reached it.
        how: String,
    },
    /// The device has no such arithmetic.
    Absent {
        /// Why.
        reason: String,
    },
}

impl Peak {
    /// 10⁹ operations a second, if it was measured.
    pub fn gops(&self) -> Option<f64> {
        match self {
            Self::Measured { gops, .. } => Some(*gops),
            Self::Absent { .. } => None,
        }
    }
}

/// Peak rates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Arithmetic {
    /// Multiply-adds in f32.
    pub f32: Peak,
    /// Multiply-adds in f16.
    pub f16: Peak,
    /// `dot4I8Packed` with the addition of its result: 8 operations.
    pub dot4_i8: Peak,
    /// Cooperative matrices, f16 with f32 accumulators.
    pub cooperative_matrix: Peak,
}

/// How fast memory is copied, at one size.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CopyRate {
    /// Bytes that are touched: source and destination together.
    pub bytes: u64,
    /// A buffer-to-buffer copy: 10⁹ bytes a second, read and written both counted.
    pub buffer_gb_per_s: f64,
    /// The kernel `probe_copy`, likewise.
    pub kernel_gb_per_s: f64,
}

impl CopyRate {
    /// The quicker of the two.
    pub fn best(&self) -> f64 {
        self.buffer_gb_per_s.max(self.kernel_gb_per_s)
    }
}

/// What a dispatch costs beside its work, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overhead {
    /// The host's time to record and submit one dispatch, of many.
    pub record_us: f64,
    /// The device's time for an empty dispatch, by its own clock where it has one.
    pub dispatch_us: f64,
    /// One empty dispatch, submitted and waited for.
    pub round_trip_us: f64,
}

/// The measured limits of a device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Roofline {
    /// Of the file's format.
    pub version: u32,
    /// The adapter.
    pub device: String,
    /// Its driver and version.
    pub driver: String,
    /// Peak rates.
    pub arithmetic: Arithmetic,
    /// Copy rates, by size, ascending.
    pub copies: Vec<CopyRate>,
    /// The cost of a dispatch.
    pub overhead: Overhead,
}

impl Roofline {
    /// Peak of f32, in 10⁹ operations a second.
    pub fn peak(&self) -> f64 {
        self.arithmetic.f32.gops().unwrap_or(f64::INFINITY)
    }

    /// The copy rate for work that touches `bytes`, in 10⁹ bytes a second: what fits a cache has another roof than what
    /// comes from memory. Between two measured sizes it is interpolated on logarithmic axes.
    pub fn bandwidth(&self, bytes: u64) -> f64 {
        let above = self.copies.iter().position(|rate| rate.bytes >= bytes);
        match above {
            None => self.memory_bandwidth(),
            Some(0) => self.copies.first().map_or(f64::INFINITY, CopyRate::best),
            Some(at) => {
                let (low, high) = (&self.copies[at - 1], &self.copies[at]);
                let log = |x: u64| (x.max(1) as f64).ln();
                let t = (log(bytes) - log(low.bytes)) / (log(high.bytes) - log(low.bytes));
                (low.best().ln() * (1.0 - t) + high.best().ln() * t).exp()
            }
        }
    }

    /// The copy rate at the largest size: memory's, in 10⁹ bytes a second.
    pub fn memory_bandwidth(&self) -> f64 {
        self.copies.last().map_or(f64::INFINITY, CopyRate::best)
    }

    /// The highest copy rate of any size: a cache's, in 10⁹ bytes a second.
    pub fn cache_bandwidth(&self) -> f64 {
        self.copies.iter().map(CopyRate::best).fold(0.0, f64::max)
    }

    /// The roof over work of `flops` that must move `bytes`: min(peak, intensity · bandwidth), in 10⁹ operations a
    /// second; 0 for work without arithmetic.
    pub fn attainable(&self, flops: u64, bytes: u64) -> f64 {
        let intensity = flops as f64 / bytes.max(1) as f64;
        self.peak().min(intensity * self.bandwidth(bytes))
    }

    /// The part of the roof that work of `flops` and `bytes` reaches which takes `seconds`; above 1 where what it moves
    /// lies in a nearer cache than a copy's operands do.
    pub fn share(&self, flops: u64, bytes: u64, seconds: f64) -> f64 {
        flops as f64 / seconds / 1e9 / self.attainable(flops, bytes)
    }

    /// Whether every number is one that a device can have.
    pub(super) fn is_plausible(&self) -> bool {
        let positive = |value: f64| value.is_finite() && value > 0.0;
        let arithmetic = &self.arithmetic;
        let peaks = [&arithmetic.f32, &arithmetic.f16, &arithmetic.dot4_i8, &arithmetic.cooperative_matrix];
        !self.copies.is_empty()
            && self.copies.is_sorted_by(|a, b| a.bytes < b.bytes)
            && self.copies.iter().all(|rate| positive(rate.buffer_gb_per_s) && positive(rate.kernel_gb_per_s))
            && peaks.iter().all(|peak| peak.gops().is_none_or(positive))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Roofline {
        let absent = Peak::Absent { reason: "for the test".to_owned() };
        let rate = |bytes, rate| CopyRate { bytes, buffer_gb_per_s: rate, kernel_gb_per_s: rate / 2.0 };
        Roofline {
            version: 1,
            device: "device".to_owned(),
            driver: "driver".to_owned(),
            arithmetic: Arithmetic {
                f32: Peak::Measured { gops: 100.0, how: "so".to_owned() },
                f16: absent.clone(),
                dot4_i8: absent.clone(),
                cooperative_matrix: absent,
            },
            copies: vec![rate(1 << 10, 40.0), rate(1 << 20, 10.0)],
            overhead: Overhead { record_us: 1.0, dispatch_us: 1.0, round_trip_us: 1.0 },
        }
    }

    #[test]
    fn the_roof_has_two_slopes() {
        let roofline = example();
        // Small work runs at the cache's rate, large work at memory's; between, at the geometric mean.
        assert_eq!(roofline.bandwidth(1), 40.0);
        assert_eq!(roofline.bandwidth(1 << 30), 10.0);
        assert!((roofline.bandwidth(1 << 15) - 20.0).abs() < 1e-9);
        // 4 operations a byte from memory: 40; 100 operations a byte: the peak.
        assert_eq!(roofline.attainable(4 << 30, 1 << 30), 40.0);
        assert_eq!(roofline.attainable(100 << 30, 1 << 30), 100.0);
        assert!((roofline.share(100_000_000_000, 1 << 30, 2.0) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn nonsense_is_not_plausible() {
        assert!(example().is_plausible());
        let broken: [fn(&mut Roofline); 4] = [
            |roofline| roofline.copies.clear(),
            |roofline| roofline.copies.reverse(),
            |roofline| roofline.copies[0].kernel_gb_per_s = 0.0,
            |roofline| roofline.arithmetic.f32 = Peak::Measured { gops: f64::NAN, how: String::new() },
        ];
        for fault in broken {
            let mut roofline = example();
            fault(&mut roofline);
            assert!(!roofline.is_plausible());
        }
    }
}
