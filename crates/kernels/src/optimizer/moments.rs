//! Numbers of Adam's kin that come from the host.

/// 1 − β, 1 / (1 − βᵗ) of both moments, of which the second's is a root: in f64, as 1 − β cancels, and so does 1 − βᵗ at the
/// first steps.
pub(super) struct Moments {
    pub rest1: f32,
    pub rest2: f32,
    /// 1 / (1 − β₁ᵗ).
    pub step: f64,
    /// 1 / √(1 − β₂ᵗ).
    pub root: f32,
}

impl Moments {
    /// Of step number `step`, the first of which is 1.
    pub(super) fn new(beta1: f32, beta2: f32, step: u32) -> Self {
        let [beta1, beta2] = [beta1, beta2].map(f64::from);
        let corrected = |beta: f64| 1.0 - beta.powf(f64::from(step));
        Self {
            rest1: (1.0 - beta1) as f32,
            rest2: (1.0 - beta2) as f32,
            step: 1.0 / corrected(beta1),
            root: (1.0 / corrected(beta2).sqrt()) as f32,
        }
    }
}
