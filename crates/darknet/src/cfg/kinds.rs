//! The layers of a network, with everything that they compute.

/// Keys with their values that change nothing that is computed here: Darknet's settings of training.
pub type Settings = Vec<(String, String)>;

/// A function of each element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// x.
    Linear,
    /// x where it is positive, else 0.1 x.
    Leaky,
    /// max(x, 0).
    Relu,
    /// 1 / (1 + e⁻ˣ).
    Logistic,
    /// x · tanh(log(1 + eˣ)).
    Mish,
    /// x · logistic(x).
    Swish,
}

impl Activation {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Linear, Self::Leaky, Self::Relu, Self::Logistic, Self::Mish, Self::Swish];

    /// Darknet's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Leaky => "leaky",
            Self::Relu => "relu",
            Self::Logistic => "logistic",
            Self::Mish => "mish",
            Self::Swish => "swish",
        }
    }
}

/// A layer: a section after `[net]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// What it computes.
    pub kind: Kind,
    /// Channels, height and width of what goes in; of a route with several inputs those of the first.
    pub input: [usize; 3],
    /// Channels, height and width of what comes out.
    pub output: [usize; 3],
    /// The line of its section.
    pub line: usize,
    /// Keys that change nothing.
    pub settings: Settings,
}

/// What a layer computes.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// `[convolutional]`.
    Convolutional(Convolutional),
    /// `[connected]`.
    Connected(Connected),
    /// `[maxpool]`.
    MaxPool(MaxPool),
    /// `[dropout]`, of training: the probability with which a number becomes 0.
    Dropout(f32),
    /// `[avgpool]`: the mean of each channel.
    AvgPool,
    /// `[upsample]`.
    Upsample(Upsample),
    /// `[route]`.
    Route(Route),
    /// `[shortcut]`.
    Shortcut(Shortcut),
    /// `[softmax]` over all channels, with a temperature that divides them.
    Softmax(f32),
    /// `[yolo]`.
    Yolo(Yolo),
}

impl Kind {
    /// The section's name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Convolutional(_) => "convolutional",
            Self::Connected(_) => "connected",
            Self::MaxPool(_) => "maxpool",
            Self::Dropout(_) => "dropout",
            Self::AvgPool => "avgpool",
            Self::Upsample(_) => "upsample",
            Self::Route(_) => "route",
            Self::Shortcut(_) => "shortcut",
            Self::Softmax(_) => "softmax",
            Self::Yolo(_) => "yolo",
        }
    }
}

/// A convolution, perhaps a batch normalisation, an activation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Convolutional {
    /// Channels that come out.
    pub filters: usize,
    /// Height and width of the kernel.
    pub size: usize,
    /// Step.
    pub stride: usize,
    /// Zeros on each side.
    pub padding: usize,
    /// Groups of channels that do not see one another.
    pub groups: usize,
    /// Whether it normalises; if so, the bias comes after.
    pub batch_normalize: bool,
    /// What follows.
    pub activation: Activation,
}

/// A product with everything that comes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connected {
    /// Numbers that come out.
    pub output: usize,
    /// Whether it normalises; if so, the bias comes after.
    pub batch_normalize: bool,
    /// What follows.
    pub activation: Activation,
}

/// The largest element of each window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaxPool {
    /// Height and width of a window.
    pub size: usize,
    /// Step.
    pub stride: usize,
    /// Padding of both sides together: half of it, rounded down, lies in front.
    pub padding: usize,
}

/// Each pixel repeated.
#[derive(Clone, Debug, PartialEq)]
pub struct Upsample {
    /// How often, down and across.
    pub stride: usize,
    /// A factor of the numbers.
    pub scale: f32,
}

/// The outputs of other layers, one behind the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The layers, from 0.
    pub layers: Vec<usize>,
    /// Parts into which the channels of each are cut.
    pub groups: usize,
    /// The part that is taken, from 0.
    pub group: usize,
}

/// The sum with another layer's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortcut {
    /// The layer, from 0.
    pub from: usize,
    /// What follows.
    pub activation: Activation,
}

/// A head that finds boxes: for each of its anchors x, y, width, height, objectness and the classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Yolo {
    /// Width and height of its anchors, in pixels of the network's input.
    pub anchors: Vec<[f32; 2]>,
    /// Classes.
    pub classes: usize,
    /// How far a centre may leave its cell: (scale − 1) / 2 of one.
    pub scale: f32,
}
