//! Counts of true and answered classes, and what follows from them.

use crate::{error::Error, error::Result};

/// How many pixels (or samples) of each true class got each class as an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion {
    classes: usize,
    /// True class by answered class, row by row.
    counts: Vec<u64>,
}

/// What the counts say of one class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassScore {
    /// Intersection over union of the true and the answered pixels; `None` where there are neither.
    pub iou: Option<f64>,
    /// Pixels that are of the class.
    pub truth: u64,
    /// Pixels that were answered to be.
    pub answered: u64,
}

impl Confusion {
    /// Nothing counted yet.
    ///
    /// # Errors
    /// [`Error::Option`] for no class, or more than 4096: there is a count for each pair.
    pub fn new(classes: usize) -> Result<Self> {
        if !(1..=4096).contains(&classes) {
            let reason = format!("there are {classes} classes; 1 to 4096 can be counted");
            return Err(Error::Option { option: "Confusion", reason });
        }
        Ok(Self { classes, counts: vec![0; classes * classes] })
    }

    /// The classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The counts, true class by answered class, row by row.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Counts pixels; those whose truth is `ignored` are passed over.
    ///
    /// # Errors
    /// [`Error::Option`] for a class beyond the classes, and where there are not as many answers as truths. Then nothing is
    /// counted.
    pub fn count(&mut self, truth: &[i64], answered: &[i64], ignored: Option<i64>) -> Result<()> {
        let wrong = |reason: String| Err(Error::Option { option: "Confusion", reason });
        if truth.len() != answered.len() {
            let reason =
                format!("there are {} classes of pixels and {} answers", truth.len(), answered.len());
            return wrong(reason);
        }
        let place = |truth: i64, answered: i64| {
            let [truth, answered] = [truth, answered].map(|class| usize::try_from(class).ok());
            let within = |class: Option<usize>| class.filter(|&class| class < self.classes);
            Some(within(truth)? * self.classes + within(answered)?)
        };
        let mut places = Vec::with_capacity(truth.len());
        for (at, (&truth, &answered)) in truth.iter().zip(answered).enumerate() {
            if Some(truth) == ignored {
                continue;
            }
            let Some(place) = place(truth, answered) else {
                return wrong(format!(
                    "pixel {at} is of class {truth} and was answered {answered}; there are classes 0 to {}, check the masks and the network's head",
                    self.classes - 1
                ));
            };
            places.push(place);
        }
        places.into_iter().for_each(|place| self.counts[place] += 1);
        Ok(())
    }

    /// Adds counts as [`Self::counts`] has them, whole numbers in f64.
    pub(crate) fn add(&mut self, counts: &[f64]) {
        self.counts.iter_mut().zip(counts).for_each(|(count, &more)| *count += more as u64);
    }

    fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The share of pixels whose answer is right; 0 where nothing was counted.
    pub fn accuracy(&self) -> f64 {
        let right: u64 = self.counts.iter().step_by(self.classes + 1).sum();
        right as f64 / self.total().max(1) as f64
    }

    /// What the counts say of each class.
    pub fn scores(&self) -> Vec<ClassScore> {
        let score = |class: usize| {
            let row = &self.counts[class * self.classes..][..self.classes];
            let truth: u64 = row.iter().sum();
            let answered: u64 = self.counts.iter().skip(class).step_by(self.classes).sum();
            let union = truth + answered - row[class];
            let iou = (union > 0).then(|| row[class] as f64 / union as f64);
            ClassScore { iou, truth, answered }
        };
        (0..self.classes).map(score).collect()
    }

    /// The mean intersection over union of the classes that occur, in truth or among the answers; 0 where none does.
    pub fn mean_iou(&self) -> f64 {
        let found: Vec<f64> = self.scores().iter().filter_map(|score| score.iou).collect();
        found.iter().sum::<f64>() / found.len().max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_become_scores() -> Result<()> {
        let mut confusion = Confusion::new(4)?;
        confusion.count(&[0, 0, 0, 1, 1, 2, -100], &[0, 0, 1, 1, 2, 2, 3], Some(-100))?;
        assert_eq!(confusion.total(), 6);
        assert!((confusion.accuracy() - 4.0 / 6.0).abs() < 1e-12);
        let ious: Vec<_> = confusion.scores().iter().map(|score| score.iou).collect();
        assert_eq!(ious, [Some(2.0 / 3.0), Some(1.0 / 3.0), Some(0.5), None]);
        assert!((confusion.mean_iou() - 0.5).abs() < 1e-12);
        let scores = confusion.scores();
        assert_eq!((scores[1].truth, scores[1].answered), (2, 2));
        Ok(())
    }

    #[test]
    fn what_is_no_class_is_an_error_and_counts_nothing() -> Result<()> {
        let mut confusion = Confusion::new(2)?;
        for (truth, answered) in [([0, 2], [0, 0]), ([0, 0], [0, -1])] {
            assert!(confusion.count(&truth, &answered, None).is_err());
        }
        assert!(confusion.count(&[0], &[0, 1], None).is_err());
        assert_eq!(confusion.total(), 0);
        assert_eq!((confusion.accuracy(), confusion.mean_iou()), (0.0, 0.0));
        assert!(Confusion::new(0).is_err() && Confusion::new(5000).is_err());
        Ok(())
    }
}
