//! What crates above keep for the life of a context.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    sync::{Arc, Mutex},
};

use crate::lock::lock;

/// One value of each type.
#[derive(Default)]
pub(crate) struct Attachments(Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>);

impl Attachments {
    /// The value of type `T`, made at the first call.
    pub fn get<T: Any + Default + Send + Sync>(&self) -> Arc<T> {
        let mut all = lock(&self.0);
        let value = all.entry(TypeId::of::<T>()).or_insert_with(|| Arc::new(T::default())).clone();
        // The entry of a type holds nothing else.
        value.downcast().unwrap_or_default()
    }
}
