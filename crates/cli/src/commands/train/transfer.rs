//! A network that begins from another one's weights: what is loaded, and what training leaves as it is.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use tilewright_nn::{Freezing, Parameter, ParameterStore, PathPattern, StateDict, load_but_head};

use super::say::say;
use crate::{error::Error, error::Result};

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Head {
    /// The weights' own.
    Keep,
    /// A new one: what depends on the number of classes is left out of the weights and drawn.
    New,
}

#[derive(Debug, clap::Args)]
pub struct TransferArguments {
    /// Begin from these weights (a safetensors file of the same network) instead of random ones.
    #[arg(long, value_name = "FILE")]
    pub(super) weights: Option<PathBuf>,
    /// Keep the weights' head, or begin with a new one.
    #[arg(long, value_enum, default_value = "keep", requires = "weights")]
    pub(super) head: Head,
    /// Leave these parameters as they are, and their batch normalisations' statistics: a path, in which * stands for any
    /// letters and ? for one (`layer1`, `*.bn?`). May be given several times.
    #[arg(long, value_name = "PATTERN")]
    freeze: Vec<PathPattern>,
    /// Leave the statistics of these batch normalisations as they are, and not their parameters.
    #[arg(long, value_name = "PATTERN")]
    freeze_statistics: Vec<PathPattern>,
    /// Let the statistics of frozen batch normalisations follow the batches, as PyTorch does.
    #[arg(long)]
    track_statistics: bool,
    /// Free what is frozen at the beginning of an epoch, counted from 1: `layer4@3`.
    #[arg(long, value_name = "PATTERN@EPOCH", value_parser = at_epoch)]
    unfreeze: Vec<(PathPattern, u64)>,
}

fn at_epoch(text: &str) -> Result<(PathPattern, u64), String> {
    let wanted = "PATTERN@EPOCH is wanted, as in layer4@3; epochs are counted from 1";
    let (pattern, epoch) = text.rsplit_once('@').ok_or(wanted)?;
    let epoch = epoch.parse().ok().filter(|&epoch| epoch > 0).ok_or(wanted)?;
    Ok((pattern.parse().map_err(|error: tilewright_nn::Error| error.to_string())?, epoch))
}

impl TransferArguments {
    /// What is frozen when.
    pub fn freezing(&self) -> Freezing {
        let frozen = self.freeze.iter().cloned().fold(Freezing::new(), Freezing::freeze);
        let frozen = self.freeze_statistics.iter().cloned().fold(frozen, Freezing::freeze_statistics);
        let frozen = frozen.track_statistics(self.track_statistics);
        self.unfreeze
            .iter()
            .fold(frozen, |frozen, (pattern, epoch)| frozen.unfreeze(pattern.clone(), epoch - 1))
    }

    /// For a run's description; empty where nothing is asked for.
    pub fn description(&self) -> String {
        let mut said = String::new();
        if let Some(weights) = &self.weights {
            said.push_str(&format!(", from {}, head {:?}", weights.display(), self.head));
        }
        let freezing = self.freezing();
        if !freezing.is_empty() {
            said.push_str(&format!(", {freezing}"));
        }
        said
    }

    /// Loads the weights, if there are; says what of them.
    pub fn load(
        &self,
        store: &ParameterStore,
        build_with: impl Fn(&ParameterStore, usize) -> Result<()>,
        classes: usize,
    ) -> Result<()> {
        let Some(path) = &self.weights else { return Ok(()) };
        let source = tilewright_weights::source(path)?.state;
        // Auxiliary heads that were asked for and that the weights have not begin afresh.
        let afresh = !has_auxiliary(&source.names());
        let is_auxiliary = move |name: &str| afresh && name.starts_with(AUXILIARY);
        if self.head == Head::Keep {
            let loaded =
                load_but_head(&*source, store, &is_auxiliary).map_err(|error| with_hint(error, path))?;
            say!("{} tensors of {} loaded", loaded.loaded.len(), path.display());
            return Ok(());
        }
        let head = head_paths(store, build_with, classes)?;
        let is_head = move |name: &str| is_auxiliary(name) || head.iter().any(|path| path == name);
        let report = load_but_head(&*source, store, &is_head)?;
        say!("{}: {report}", path.display());
        Ok(())
    }
}

/// What the paths of auxiliary heads begin with: `aux1`, `aux2`, `aux_classifier`.
const AUXILIARY: &str = "aux";

/// Whether a state dict has auxiliary heads.
pub(super) fn has_auxiliary(names: &[&str]) -> bool {
    names.iter().any(|name| name.starts_with(AUXILIARY))
}

/// The parameters whose shapes depend on the number of classes: those that differ from the same network's for one class more,
/// which is made where buffers have sizes and no memory.
fn head_paths(
    store: &ParameterStore,
    build_with: impl Fn(&ParameterStore, usize) -> Result<()>,
    classes: usize,
) -> Result<Vec<String>> {
    let other = ParameterStore::new(&store.context().recording(), 0);
    build_with(&other, classes + 1)?;
    let differs = |parameter: &&Arc<Parameter>| {
        other.parameter(parameter.path()).is_none_or(|other| other.shape() != parameter.shape())
    };
    Ok(store.parameters().iter().filter(differs).map(|parameter| parameter.path().to_owned()).collect())
}

fn with_hint(error: tilewright_nn::Error, path: &Path) -> Error {
    match error {
        tilewright_nn::Error::StateDict { report, .. } => Error::Argument {
            argument: "--weights",
            reason: format!(
                "{} does not fit the network: {report}; of another number of classes, add --head new",
                path.display()
            ),
        },
        other => other.into(),
    }
}

/// The network's weights, with what is known of them.
pub fn weights(store: &ParameterStore, metadata: String) -> Result<StateDict> {
    Ok(StateDict { metadata: Some(metadata), ..StateDict::of(store)? })
}
