//! What is known of trained weights beside their numbers, as JSON in the file's metadata.

use serde::{Deserialize, Serialize};

/// What `train` writes into `model.safetensors` beside the tensors, for whoever runs the network on pictures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trained {
    /// The network of the zoo.
    pub model: String,
    /// What it answers: `classification`, `multi-label` or `segmentation`.
    pub task: String,
    /// The classes' names, in the order of the outputs.
    pub classes: Vec<String>,
    /// Channels, height and width of the images that it was trained on.
    pub image: [usize; 3],
    /// The mean that was taken from each channel, of pixels from 0 to 1.
    pub mean: Vec<f32>,
    /// What each channel was divided by.
    pub std: Vec<f32>,
}

impl Trained {
    /// What a file's metadata say; nothing where other programs wrote it.
    pub fn of(metadata: Option<&str>) -> Option<Self> {
        serde_json::from_str(metadata?).ok()
    }

    /// As text.
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
