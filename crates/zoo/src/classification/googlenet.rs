//! GoogLeNet (Szegedy et al., arXiv 1409.4842, table 1) with BatchNorm, with torchvision's names.

use tilewright_autograd::Var;
use tilewright_nn::{
    Checkpointed, INPUT, Layer, Module, OUTPUT, Pass, Port, Result, Scope, Tap, Values,
    init::Init,
    layers::{AdaptiveAvgPool2d, Dropout, Linear, MaxPool2d},
};
use tilewright_ops::{BatchNorm, Pool2d, UnaryOp};

use crate::blocks::conv_norm::{ConvNorm, ConvNormConfig};

/// What a [`GoogLeNet`] is like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GoogLeNetConfig {
    /// Whether there are the two auxiliary heads, which compute in training alone.
    pub auxiliary: bool,
    /// The probability of dropout in front of the linear layer.
    pub dropout: f32,
    /// The probability of dropout in the auxiliary heads.
    pub auxiliary_dropout: f32,
    /// Channels of an image.
    pub channels: usize,
    /// Classes.
    pub classes: usize,
}

impl Default for GoogLeNetConfig {
    /// torchvision's.
    fn default() -> Self {
        Self { auxiliary: true, dropout: 0.2, auxiliary_dropout: 0.7, channels: 3, classes: 1000 }
    }
}

/// The start of every weight. torchvision cuts it off at 200 deviations, which is nowhere.
const START: Init = Init::Normal(0.01);

/// A module: its name and the channels of its convolutions: 1×1, 3×3 with the one in front, 5×5 with the one in front, and
/// the one behind the pooling.
type Row = (&'static str, [usize; 6]);

/// The modules between the poolings.
const MODULES: [&[Row]; 3] = [
    &[("3a", [64, 96, 128, 16, 32, 32]), ("3b", [128, 128, 192, 32, 96, 64])],
    &[
        ("4a", [192, 96, 208, 16, 48, 64]),
        ("4b", [160, 112, 224, 24, 64, 64]),
        ("4c", [128, 128, 256, 24, 64, 64]),
        ("4d", [112, 144, 288, 32, 64, 64]),
        ("4e", [256, 160, 320, 32, 128, 128]),
    ],
    &[("5a", [256, 160, 320, 32, 128, 128]), ("5b", [384, 192, 384, 48, 128, 128])],
];

/// Three convolutions and two poolings, nine inception modules with two poolings, a global mean and a linear layer. In
/// training the outputs `aux1` and `aux2` are the logits of the auxiliary heads, behind `inception4a` and `inception4d`; the
/// authors add their losses, each times 0.3.
pub struct GoogLeNet {
    stem: [Checkpointed<Stem>; 2],
    modules: Vec<Vec<Checkpointed<Inception>>>,
    auxiliary: Vec<Auxiliary>,
    avgpool: AdaptiveAvgPool2d,
    dropout: Dropout,
    fc: Linear,
    tap: Tap,
}

/// Convolutions with a pooling behind them.
struct Stem {
    convs: Vec<ConvNorm>,
    pool: &'static str,
    tap: Tap,
}

fn conv(scope: &Scope, inputs: usize, outputs: usize, kernel: usize, stride: usize) -> Result<ConvNorm> {
    let norm = BatchNorm { eps: 1e-3, ..BatchNorm::default() };
    let config = ConvNormConfig::new(kernel, Some(UnaryOp::Relu)).stride(stride).norm(norm).init(START);
    Ok(ConvNorm::named([&(scope / "conv"), &(scope / "bn")], inputs, outputs, config)?.at(scope))
}

/// A pooling that keeps a last window which is not full.
fn pool(kernel: usize, x: &Var, pass: &Pass) -> Result<Var> {
    let pool = Pool2d { stride: [2, 2], ceil_mode: true, ..Pool2d::new([kernel; 2]) };
    MaxPool2d(pool).forward(x, pass)
}

impl GoogLeNet {
    /// torchvision's images have 3 channels and 224 × 224 pixels; any of at least 32 × 32 will do.
    pub fn new(scope: &Scope, config: &GoogLeNetConfig) -> Result<Self> {
        let tap = Tap::new(scope);
        let first = vec![conv(&(scope / "conv1"), config.channels, 64, 7, 2)?];
        let second = vec![conv(&(scope / "conv2"), 64, 64, 1, 1)?, conv(&(scope / "conv3"), 64, 192, 3, 1)?];
        let stem = [(first, "maxpool1"), (second, "maxpool2")]
            .map(|(convs, pool)| Checkpointed::asked(Stem { convs, pool, tap: tap.clone() }));
        let mut inputs = 192;
        let mut modules = Vec::with_capacity(MODULES.len());
        for rows in MODULES {
            let mut stage = Vec::with_capacity(rows.len());
            for &(name, widths) in rows {
                let module = Inception::new(&(scope / format!("inception{name}")), inputs, widths)?;
                let [small, _, middle, _, large, pooled] = widths;
                inputs = small + middle + large + pooled;
                stage.push(Checkpointed::asked(module));
            }
            modules.push(stage);
        }
        let mut auxiliary = Vec::new();
        if config.auxiliary {
            for (name, inputs) in [("aux1", 512), ("aux2", 528)] {
                auxiliary.push(Auxiliary::new(&(scope / name), inputs, config)?);
            }
        }
        let fc = linear(&(scope / "fc"), inputs, config.classes)?;
        let dropout = Dropout::new(config.dropout)?;
        Ok(Self { stem, modules, auxiliary, avgpool: AdaptiveAvgPool2d([1, 1]), dropout, fc, tap })
    }
}

/// The bias starts as PyTorch's does.
fn linear(scope: &Scope, inputs: usize, outputs: usize) -> Result<Linear> {
    Linear::with_init(scope, inputs, outputs, START, Some(Init::default_bias(inputs)))
}

/// The outputs of the auxiliary heads.
const AUXILIARY: [&str; 2] = ["aux1", "aux2"];

impl Module for GoogLeNet {
    fn inputs(&self) -> Vec<Port> {
        vec![Port::required(INPUT)]
    }

    fn outputs(&self) -> Vec<Port> {
        let auxiliary = AUXILIARY.into_iter().take(self.auxiliary.len()).map(Port::optional);
        std::iter::once(Port::required(OUTPUT)).chain(auxiliary).collect()
    }

    fn compute(&self, inputs: &Values, pass: &Pass) -> Result<Values> {
        let [first, second] = &self.stem;
        let mut x = second.forward(&first.forward(inputs.get(INPUT)?, pass)?, pass)?;
        let mut seen = Vec::new();
        for (stage, modules) in self.modules.iter().enumerate() {
            if stage > 0 {
                x = pool(if stage == 2 { 2 } else { 3 }, &x, pass)?;
                x = self.tap.give_as(format_args!("maxpool{}", stage + 2), x, pass);
            }
            for (at, module) in modules.iter().enumerate() {
                x = module.forward(&x, pass)?;
                // Behind 4a and 4d.
                if pass.is_training() && stage == 1 && matches!(at, 0 | 3) {
                    seen.push(x.clone());
                }
            }
        }
        let pooled = self.tap.give_as("avgpool", self.avgpool.forward(&x, pass)?, pass);
        let x = self.dropout.forward(&pooled.flatten(1)?, pass)?;
        let mut outputs = Values::new().with(OUTPUT, self.fc.forward(&x, pass)?);
        for ((name, head), x) in AUXILIARY.into_iter().zip(&self.auxiliary).zip(&seen) {
            outputs.insert(name, head.forward(x, pass)?);
        }
        Ok(outputs)
    }
}

impl Layer for Stem {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let x = self.convs.iter().try_fold(x.clone(), |x, conv| conv.forward(&x, pass))?;
        Ok(self.tap.give_as(self.pool, pool(3, &x, pass)?, pass))
    }
}

/// Four branches beside each other.
struct Inception {
    branch1: ConvNorm,
    branch2: [ConvNorm; 2],
    branch3: [ConvNorm; 2],
    branch4: ConvNorm,
    tap: Tap,
}

impl Inception {
    fn new(scope: &Scope, inputs: usize, widths: [usize; 6]) -> Result<Self> {
        let [small, middle_in, middle, large_in, large, pooled] = widths;
        // The paper's third branch is 5×5; torchvision's is 3×3, and so are its weights.
        let two = |name: &str, inner, outputs| -> Result<_> {
            let scope = scope / name;
            let first = conv(&(&scope / 0), inputs, inner, 1, 1)?;
            Ok([first, conv(&(&scope / 1), inner, outputs, 3, 1)?.at(&scope)])
        };
        let branch4 = scope / "branch4";
        Ok(Self {
            branch1: conv(&(scope / "branch1"), inputs, small, 1, 1)?,
            branch2: two("branch2", middle_in, middle)?,
            branch3: two("branch3", large_in, large)?,
            branch4: conv(&(&branch4 / 1), inputs, pooled, 1, 1)?.at(&branch4),
            tap: Tap::new(scope),
        })
    }
}

impl Layer for Inception {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let two = |[first, second]: &[ConvNorm; 2]| second.forward(&first.forward(x, pass)?, pass);
        let around = Pool2d { stride: [1, 1], padding: [1, 1], ceil_mode: true, ..Pool2d::new([3, 3]) };
        let pooled = self.tap.give_as("branch4.0", MaxPool2d(around).forward(x, pass)?, pass);
        let branches = [
            self.branch1.forward(x, pass)?,
            two(&self.branch2)?,
            two(&self.branch3)?,
            self.branch4.forward(&pooled, pass)?,
        ];
        Ok(self.tap.give(Var::concat(&branches.each_ref(), 1)?, pass))
    }
}

/// A head in the middle of the network, through which gradients come by a shorter way.
struct Auxiliary {
    conv: ConvNorm,
    fc1: Linear,
    fc2: Linear,
    dropout: Dropout,
    tap: Tap,
}

impl Auxiliary {
    fn new(scope: &Scope, inputs: usize, config: &GoogLeNetConfig) -> Result<Self> {
        Ok(Self {
            conv: conv(&(scope / "conv"), inputs, 128, 1, 1)?,
            fc1: linear(&(scope / "fc1"), 128 * 16, 1024)?,
            fc2: linear(&(scope / "fc2"), 1024, config.classes)?,
            dropout: Dropout::new(config.auxiliary_dropout)?,
            tap: Tap::new(scope),
        })
    }
}

impl Layer for Auxiliary {
    fn forward(&self, x: &Var, pass: &Pass) -> Result<Var> {
        let x = AdaptiveAvgPool2d([4, 4]).forward(x, pass)?;
        let x = self.conv.forward(&x, pass)?.flatten(1)?;
        let x = self.fc1.forward(&x, pass)?.relu()?;
        let y = self.fc2.forward(&self.dropout.forward(&x, pass)?, pass)?;
        Ok(self.tap.give(y, pass))
    }
}
