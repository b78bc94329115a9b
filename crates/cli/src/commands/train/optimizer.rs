//! What changes the weights, by the command line.

use tilewright_nn::{
    ParameterStore, PathPattern,
    optim::{
        Adam, AdamW, Clip, GroupRule, Grouped, Grouping, Lamb, OneCycle, Optimizer, ParameterGroup, RmsProp,
        Schedule, Sgd,
    },
};
use tilewright_ops as ops;

use crate::error::Result;

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum OptimizerName {
    Sgd,
    Adam,
    Adamw,
    Rmsprop,
    Lamb,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum ScheduleName {
    /// Rises over the first steps, then falls along half a cosine.
    Cosine,
    /// Always the same.
    Constant,
    /// A tenth after each third of the steps.
    Step,
    /// Falls in a line to 0.
    Linear,
    /// Up and down once (Smith and Topin, arXiv 1708.07120).
    OneCycle,
}

#[derive(Debug, clap::Args)]
pub struct OptimizerArguments {
    /// What changes the weights.
    #[arg(long, value_enum, default_value = "sgd")]
    optimizer: OptimizerName,
    /// The highest learning rate. [default: 0.1 for sgd, 0.002 for adamw and lamb, 0.001 for adam and rmsprop]
    #[arg(long)]
    lr: Option<f32>,
    /// How the learning rate goes over the steps.
    #[arg(long, value_enum, default_value = "cosine")]
    schedule: ScheduleName,
    /// The momentum of sgd and rmsprop.
    #[arg(long, default_value_t = 0.9)]
    momentum: f32,
    /// Weight decay.
    #[arg(long, default_value_t = 5e-4)]
    weight_decay: f32,
    /// Scale the gradients of a step down where their common norm is above this.
    #[arg(long, value_name = "X", conflicts_with = "clip_value")]
    clip_norm: Option<f32>,
    /// Clip each number of a gradient to ± this.
    #[arg(long, value_name = "X")]
    clip_value: Option<f32>,
    /// No weight decay for parameters of one axis: norms and biases.
    #[arg(long)]
    decay_matrices_only: bool,
    /// Another learning rate for these parameters, as a factor: `fc=10`. May be given several times; the last that takes a
    /// parameter counts.
    #[arg(long, value_name = "PATTERN=X", value_parser = factor)]
    lr_scale: Vec<(PathPattern, f32)>,
    /// Another weight decay for these parameters: `*.bn?=0`. May be given several times.
    #[arg(long, value_name = "PATTERN=X", value_parser = factor)]
    decay: Vec<(PathPattern, f32)>,
}

fn factor(text: &str) -> Result<(PathPattern, f32), String> {
    let wanted = "PATTERN=NUMBER is wanted, as in layer1=0.1, and the number 0 or more";
    let (pattern, number) = text.rsplit_once('=').ok_or(wanted)?;
    let number: f32 = number.parse().map_err(|_| wanted)?;
    if !(number.is_finite() && number >= 0.0) {
        return Err(wanted.to_owned());
    }
    Ok((pattern.parse().map_err(|error: tilewright_nn::Error| error.to_string())?, number))
}

impl OptimizerArguments {
    pub fn learning_rate(&self) -> f32 {
        self.lr.unwrap_or(match self.optimizer {
            OptimizerName::Sgd => 0.1,
            OptimizerName::Adamw | OptimizerName::Lamb => 0.002,
            OptimizerName::Adam | OptimizerName::Rmsprop => 0.001,
        })
    }

    /// For a run's description.
    pub fn description(&self) -> String {
        let Self { optimizer, momentum, weight_decay, .. } = self;
        let lr = self.learning_rate();
        format!("{optimizer:?} lr {lr} momentum {momentum} weight decay {weight_decay}")
    }

    /// For a run's description: what is not as ever.
    pub fn further(&self) -> String {
        let mut said = String::new();
        if self.schedule != ScheduleName::Cosine {
            said.push_str(&format!(", schedule {:?}", self.schedule));
        }
        for (what, clip) in [("norm", self.clip_norm), ("value", self.clip_value)] {
            if let Some(clip) = clip {
                said.push_str(&format!(", {what} at most {clip}"));
            }
        }
        if self.decay_matrices_only {
            said.push_str(", decay of matrices only");
        }
        for (what, rules) in [("lr", &self.lr_scale), ("decay", &self.decay)] {
            for (pattern, value) in rules {
                said.push_str(&format!(", {what} of {pattern} {value}"));
            }
        }
        said
    }

    /// The learning rate over `steps` steps.
    pub fn schedule(&self, steps: u64) -> Schedule {
        let lr = self.learning_rate();
        match self.schedule {
            ScheduleName::Cosine => {
                Schedule::Cosine { lr, min_lr: lr * 1e-3, warmup: (steps / 20).min(200), steps }
            }
            ScheduleName::Constant => Schedule::Constant { lr },
            ScheduleName::Linear => Schedule::Polynomial { lr, min_lr: 0.0, steps, power: 1.0 },
            ScheduleName::OneCycle => Schedule::OneCycle(OneCycle::new(lr, steps)),
            ScheduleName::Step => Schedule::Step { lr, every: steps.div_ceil(3).max(1), gamma: 0.1 },
        }
    }

    /// How gradients are clipped.
    pub fn clip(&self) -> Option<Clip> {
        self.clip_norm.map(Clip::norm).or(self.clip_value.map(Clip::Value))
    }

    /// The optimizer of all parameters.
    pub fn optimizer(&self, store: &ParameterStore) -> Result<Box<dyn Optimizer>> {
        let scaled = self.lr_scale.iter().map(|(pattern, scale)| GroupRule {
            pattern: pattern.clone(),
            lr_scale: Some(*scale),
            weight_decay: None,
        });
        let decayed = self.decay.iter().map(|(pattern, decay)| GroupRule {
            pattern: pattern.clone(),
            lr_scale: None,
            weight_decay: Some(*decay),
        });
        let rules = scaled.chain(decayed).collect();
        let (weight_decay, matrices_only) = (self.weight_decay, self.decay_matrices_only);
        let groups = Grouping { rules, weight_decay, matrices_only }.groups(&store.parameters())?;
        match &groups[..] {
            // As it is: a checkpoint's names are those of one optimizer.
            [group] if group.lr_scale == 1.0 => self.of(group),
            groups => Ok(Box::new(Grouped::new(groups, |group| self.of(group))?)),
        }
    }

    fn of(&self, group: &ParameterGroup) -> Result<Box<dyn Optimizer>> {
        let (parameters, weight_decay) = (group.parameters.clone(), group.weight_decay);
        let (lr, momentum) = (self.learning_rate(), self.momentum);
        Ok(match self.optimizer {
            OptimizerName::Sgd => {
                let nesterov = momentum > 0.0;
                Box::new(Sgd::new(
                    parameters,
                    ops::Sgd { lr, momentum, nesterov, weight_decay, dampening: 0.0 },
                )?)
            }
            OptimizerName::Adamw => {
                Box::new(AdamW::new(parameters, ops::AdamW { lr, weight_decay, ..ops::AdamW::default() })?)
            }
            OptimizerName::Adam => {
                Box::new(Adam::new(parameters, ops::Adam { lr, weight_decay, ..ops::Adam::default() })?)
            }
            OptimizerName::Rmsprop => {
                let op = ops::RmsProp { lr, weight_decay, momentum, ..ops::RmsProp::default() };
                Box::new(RmsProp::new(parameters, op)?)
            }
            OptimizerName::Lamb => {
                Box::new(Lamb::new(parameters, ops::Lamb { lr, weight_decay, ..ops::Lamb::default() })?)
            }
        })
    }
}
