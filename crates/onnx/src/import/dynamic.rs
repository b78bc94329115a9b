//! A model whose inputs may have any shape that its file leaves open.

use std::sync::Arc;

use tilewright_graph::{Error as GraphError, Model as Plans, Options};
use tilewright_runtime::Context;

use super::importer::Import;
use super::value::Weights;
use crate::model::Model;

impl Model {
    /// The model as plans by shape: one is made when inputs of new shapes come, at most `most` are kept, and all read the
    /// same weights. Inputs and outputs are in the model's order; integers are i32, all other types f32.
    #[must_use]
    pub fn plans(self: Arc<Self>, context: &Context, options: Options, most: usize) -> Plans {
        let (model, weights, on) = (self, Arc::<Weights>::default(), context.clone());
        Plans::new(context, options, most, move |shapes| {
            let import = Import::new(&model).weights(&weights).constants_in_graph();
            let import = model
                .inputs()
                .zip(shapes)
                .fold(import, |import, (input, shape)| import.shape(&input.name, shape));
            let imported = import.graph(&on).map_err(|error| GraphError::Capture(error.to_string()))?;
            Ok(imported.graph)
        })
    }
}
