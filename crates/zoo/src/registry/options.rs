//! What a network is made for.

use crate::blocks::Shortcut;

/// What a network is made for. What a network does not have is passed over: only ResNets have shortcuts to choose.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Channels, height and width of an image.
    pub image: [usize; 3],
    /// Classes.
    pub classes: usize,
    /// What a ResNet's shortcuts do where the shape changes.
    pub shortcut: Shortcut,
    /// Whether there are auxiliary heads, which help training (GoogLeNet's compute in training alone, those of FCN and DeepLabV3
    /// always, as torchvision has it).
    pub auxiliary: bool,
    /// The probability of dropout in front of the head; `None` is the network's own.
    pub dropout: Option<f32>,
    /// The probability of dropping a whole residual branch in the last block; `None` is the network's own.
    pub stochastic_depth: Option<f32>,
}

impl Options {
    /// For images of `image` (channels, height, width) and so many classes, else as torchvision makes the network.
    pub fn new(image: [usize; 3], classes: usize) -> Self {
        let shortcut = Shortcut::Projection;
        Self { image, classes, shortcut, auxiliary: true, dropout: None, stochastic_depth: None }
    }

    /// With other shortcuts.
    #[must_use]
    pub fn shortcut(mut self, shortcut: Shortcut) -> Self {
        self.shortcut = shortcut;
        self
    }

    /// With or without auxiliary heads.
    #[must_use]
    pub fn auxiliary(mut self, auxiliary: bool) -> Self {
        self.auxiliary = auxiliary;
        self
    }

    /// With nothing dropped in training, neither elements nor branches.
    #[must_use]
    pub fn without_dropping(mut self) -> Self {
        (self.dropout, self.stochastic_depth) = (Some(0.0), Some(0.0));
        self
    }
}
