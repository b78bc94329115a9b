//! Losses of auxiliary heads beside a network's own.

use tilewright_autograd::Var;
use tilewright_nn::Values;

use crate::error::Result;

/// The outputs of GoogLeNet's heads, which compute in training alone.
const HEADS: [&str; 2] = ["aux1", "aux2"];

/// The weight that GoogLeNet's authors give to the loss of each (arXiv 1409.4842, §5).
pub(crate) const WEIGHT: f32 = 0.3;

/// The loss `of` the output `main`, and `weight` times those of the auxiliary heads that there are.
pub(crate) fn with_heads(
    outputs: &Values,
    main: &str,
    weight: f32,
    of: impl Fn(&Var) -> Result<Var>,
) -> Result<Var> {
    let mut loss = of(outputs.get(main)?)?;
    let heads = HEADS.iter().filter(|&&name| name != main && weight > 0.0);
    for scores in heads.filter_map(|name| outputs.find(name)) {
        loss = loss.add(&of(scores)?.scale(weight)?)?;
    }
    Ok(loss)
}
