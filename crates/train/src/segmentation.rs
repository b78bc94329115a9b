//! Segmentation: a class for each pixel.

use tilewright_autograd::Var;
use tilewright_nn::{HostTensor, Module, Name, OUTPUT, Values};
use tilewright_ops::CrossEntropy;
use tilewright_tensor::Tensor;

use crate::{confusion::Confusion, error::Error, error::Result, loader::TARGET, source::Batch, task::Task};

/// The output of an auxiliary head, as torchvision calls it.
const AUXILIARY: &str = "aux";

/// Cross entropy of the pixels' scores (N × classes × H × W) against their classes (N × H × W), with the metrics
/// `pixel_accuracy` and `mean_iou`, and of two classes `foreground_iou`, that of class 1. They are of all pixels of an epoch
/// together, by the counts of their true and answered classes.
///
/// A network with one channel has two classes: the scores are those of class 1 against 0, and the loss is binary cross
/// entropy. The loss of an output `aux`, which torchvision's FCN and DeepLabV3 may have, is added with a weight.
#[derive(Clone, Debug)]
pub struct Segmentation {
    output: Name,
    target: Name,
    classes: usize,
    loss: CrossEntropy,
    auxiliary: f32,
}

impl Segmentation {
    /// For networks that tell `classes` apart (2 where they have one channel), the output `output` and the target `target`;
    /// pixels of class −100 are ignored.
    ///
    /// # Errors
    /// [`Error::Option`] for no class, or more than [`Confusion`] counts.
    pub fn new(classes: usize) -> Result<Self> {
        let classes = Confusion::new(classes.max(2))?.classes();
        let loss = CrossEntropy::default();
        Ok(Self { output: OUTPUT.into(), target: TARGET.into(), classes, loss, auxiliary: 0.5 })
    }

    /// As [`Self::new`], of the first output of `module`, whatever its name.
    ///
    /// # Errors
    /// Those of [`Self::new`].
    pub fn of_module(module: &dyn Module, classes: usize) -> Result<Self> {
        let mut task = Self::new(classes)?;
        if let Some(port) = module.outputs().first() {
            task.output = port.name.clone();
        }
        Ok(task)
    }

    /// Of another output and another target.
    #[must_use]
    pub fn of(mut self, output: impl Into<Name>, target: impl Into<Name>) -> Self {
        (self.output, self.target) = (output.into(), target.into());
        self
    }

    /// With pixels of another class ignored.
    #[must_use]
    pub fn ignoring(mut self, class: i32) -> Self {
        self.loss.ignore_index = Some(class);
        self
    }

    /// With another weight of the auxiliary head's loss; torchvision trains with 0.5.
    #[must_use]
    pub fn auxiliary(mut self, weight: f32) -> Self {
        self.auxiliary = weight;
        self
    }

    /// The classes that are told apart.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The scores of every class: those of one channel beside zeros for class 0, whose softmax is the sigmoid.
    fn scores(&self, outputs: &Values, name: &str) -> Result<Var> {
        let scores = outputs.get(name)?;
        match scores.shape() {
            [_, 1, _, _] => Ok(scores.pad(&[(0, 0), (1, 0), (0, 0), (0, 0)], 0.0)?),
            [_, classes, _, _] if *classes == self.classes => Ok(scores.clone()),
            shape => {
                let wanted = self.classes;
                let reason = format!(
                    "the output `{name}` has shape {shape:?}; N × {wanted} × H × W is wanted, or N × 1 × H × W for two classes"
                );
                Err(Error::Option { option: "Segmentation", reason })
            }
        }
    }

    /// The class with the highest score at each pixel, N × H × W; the first of equals.
    ///
    /// # Errors
    /// [`Error::Option`] for an output of another shape; what an operation says.
    pub fn answers(&self, outputs: &Values) -> Result<Tensor> {
        Ok(self.scores(outputs, &self.output)?.tensor().argmax(&[1], false)?)
    }

    /// Counts the pixels of `batch` by their true class and what was answered.
    ///
    /// # Errors
    /// [`Error::Option`] where classes are missing or beyond the number of classes.
    pub fn count(&self, answers: &[i64], batch: &Batch, confusion: &mut Confusion) -> Result<()> {
        match batch.find_target(&self.target) {
            Some(HostTensor::I64(truth, _)) => {
                confusion.count(truth, answers, self.loss.ignore_index.map(i64::from))
            }
            found => {
                let found = if found.is_some() { "holds f32" } else { "is missing" };
                let reason = format!("the target `{}` {found}; class numbers are wanted", self.target);
                Err(Error::Option { option: "Segmentation", reason })
            }
        }
    }

    /// The confusion matrix of sums as [`Task::score`] gives them.
    pub fn confusion(&self, sums: &[f64]) -> Result<Confusion> {
        let mut confusion = Confusion::new(self.classes)?;
        confusion.add(sums);
        Ok(confusion)
    }
}

impl Task for Segmentation {
    fn loss(&self, outputs: &Values, targets: &Values) -> Result<Var> {
        let labels = targets.get(&self.target)?.tensor();
        let of = |name: &str| -> Result<Var> {
            Ok(self.scores(outputs, name)?.cross_entropy(labels, None, &self.loss)?)
        };
        let loss = of(&self.output)?;
        match outputs.find(AUXILIARY) {
            Some(_) if self.output != *AUXILIARY && self.auxiliary > 0.0 => {
                Ok(loss.add(&of(AUXILIARY)?.scale(self.auxiliary)?)?)
            }
            _ => Ok(loss),
        }
    }

    fn metrics(&self) -> Vec<&'static str> {
        let mut names = vec!["pixel_accuracy", "mean_iou"];
        if self.classes == 2 {
            names.push("foreground_iou");
        }
        names
    }

    fn counters(&self) -> usize {
        self.classes * self.classes
    }

    fn conclude(&self, sums: &[f64], _: f64) -> Vec<f64> {
        let Ok(confusion) = self.confusion(sums) else { return vec![0.0; self.metrics().len()] };
        let mut metrics = vec![confusion.accuracy(), confusion.mean_iou()];
        if self.classes == 2 {
            metrics.push(confusion.scores().get(1).and_then(|score| score.iou).unwrap_or_default());
        }
        metrics
    }

    fn observe(&self, outputs: &Values) -> Result<Vec<Tensor>> {
        Ok(vec![self.answers(outputs)?])
    }

    fn score(&self, observed: &[HostTensor], batch: &Batch) -> Result<Vec<f64>> {
        let mut confusion = Confusion::new(self.classes)?;
        if let Some(HostTensor::I64(answers, _)) = observed.first() {
            self.count(answers, batch, &mut confusion)?;
        }
        Ok(confusion.counts().iter().map(|&count| count as f64).collect())
    }
}
