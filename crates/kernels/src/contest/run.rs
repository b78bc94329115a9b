//! Candidates for one piece of work: first each must be right, then each is timed.

use std::time::Instant;

use tilewright_runtime::{Buffer, Context, Result};

use super::{sample::Samples, table::Entry};
use crate::base::sources::source_hash;

/// A challenger must be quicker than the table's choice by this factor: less is noise, and a choice that flips from
/// machine to machine is worth nothing.
const MARGIN: f64 = 0.97;
/// A candidate that takes so many times the best one's time at its first runs is not timed further.
const HOPELESS: f64 = 2.0;
/// The least duration of a timed round, in seconds.
const ROUND: f64 = 3e-3;
/// What all rounds of a candidate may take, in seconds.
const BUDGET: f64 = 0.3;
/// The most rounds of a candidate.
const ROUNDS: usize = 15;

/// One way to compute the work.
pub struct Candidate<'a> {
    /// Its name in the table and on disk.
    pub name: &'static str,
    /// Records the work. The output is the buffer that [`contest`] is given.
    pub run: Box<dyn Fn() -> Result<()> + 'a>,
}

/// What came out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// The right ones and their shortest times in seconds; the first candidate of the contest first.
    pub times: Vec<(&'static str, f64)>,
    /// The others, with the reason.
    pub rejected: Vec<(&'static str, String)>,
}

impl Verdict {
    /// The quickest; the first candidate where it is as quick as makes no difference. `None` if none is right.
    pub fn winner(&self) -> Option<&'static str> {
        let mut times = self.times.iter();
        let mut best = times.next()?;
        let first = best;
        for next in times {
            if next.1 < best.1 && next.1 < first.1 * MARGIN {
                best = next;
            }
        }
        Some(best.0)
    }

    pub(super) fn entry(&self) -> Entry {
        Entry {
            source: source_hash().to_owned(),
            winner: self.winner().map(str::to_owned),
            milliseconds: self.times.iter().map(|(name, s)| ((*name).to_owned(), s * 1e3)).collect(),
            rejected: self
                .rejected
                .iter()
                .map(|(name, reason)| ((*name).to_owned(), reason.clone()))
                .collect(),
        }
    }
}

/// Lets each of `candidates` compute into `output`, throws out those that fail, that differ from `samples`, or that
/// differ anywhere from the first right one, and times the rest in turn. The table's choice should be the first.
///
/// # Errors
/// Those of the device. A candidate that fails is no error.
pub fn contest(
    context: &Context,
    output: &Buffer,
    samples: &Samples,
    candidates: &[Candidate<'_>],
) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    let poison = vec![0xff_u8; output.size() as usize];
    let mut accepted: Option<Vec<f32>> = None;
    let mut right: Vec<(&Candidate<'_>, f64)> = Vec::new();
    for candidate in candidates {
        // Not-a-numbers: what a candidate does not write is seen.
        context.write(output, &poison)?;
        if let Err(error) = (candidate.run)() {
            verdict.rejected.push((candidate.name, error.to_string()));
            continue;
        }
        let values: Vec<f32> = bytemuck::pod_collect_to_vec(&context.read(output)?);
        let outcome = samples.check(&values).and_then(|()| match &accepted {
            Some(others) => samples.agree(&values, others),
            None => Ok(()),
        });
        if let Err(reason) = outcome {
            verdict.rejected.push((candidate.name, reason));
            continue;
        }
        accepted.get_or_insert(values);
        right.push((candidate, round(context, candidate, 1)?));
    }
    let best = right.iter().map(|(_, seconds)| *seconds).fold(f64::INFINITY, f64::min);
    // In turn, so that a disturbance does not hit one of them alone.
    let mut running: Vec<_> = right
        .iter()
        .map(|(candidate, seconds)| {
            let batch = ((ROUND / seconds.max(1e-7)).ceil() as usize).clamp(1, 64);
            let rounds =
                if *seconds > HOPELESS * best { 0 } else { (BUDGET / (seconds * batch as f64)) as usize };
            (*candidate, *seconds, batch, rounds.min(ROUNDS))
        })
        .collect();
    // Whatever the budget says, those that may win get two rounds.
    for (_, seconds, _, rounds) in &mut running {
        if *seconds <= HOPELESS * best {
            *rounds = (*rounds).max(2);
        }
    }
    for turn in 0..ROUNDS {
        for (candidate, seconds, batch, rounds) in &mut running {
            if turn < *rounds {
                *seconds = seconds.min(round(context, candidate, *batch)?);
            }
        }
    }
    verdict.times = running.iter().map(|(candidate, seconds, ..)| (candidate.name, *seconds)).collect();
    Ok(verdict)
}

fn round(context: &Context, candidate: &Candidate<'_>, batch: usize) -> Result<f64> {
    context.synchronize()?;
    let begun = Instant::now();
    for _ in 0..batch {
        (candidate.run)()?;
    }
    context.synchronize()?;
    Ok(begun.elapsed().as_secs_f64() / batch as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_wins_unless_another_is_clearly_quicker() {
        let verdict = |times: &[(&'static str, f64)]| Verdict { times: times.to_vec(), rejected: Vec::new() };
        assert_eq!(verdict(&[]).winner(), None);
        assert_eq!(verdict(&[("a", 1.0), ("b", 0.98)]).winner(), Some("a"));
        assert_eq!(verdict(&[("a", 1.0), ("b", 0.9), ("c", 0.8), ("d", 0.85)]).winner(), Some("c"));
    }
}
