//! What crates above keep for the life of a context, and where they may keep it longer.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use crate::{Context, Tuning, context::lock};

/// One value of each type.
#[derive(Default)]
pub(crate) struct Attachments(Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>);

impl Context {
    /// The value of type `T` that belongs to this context, made at the first call. Nothing is global: two contexts have
    /// two values.
    pub fn attached<T: Any + Default + Send + Sync>(&self) -> Arc<T> {
        let mut all = lock(&self.inner().attachments.0);
        let value = all.entry(TypeId::of::<T>()).or_insert_with(|| Arc::new(T::default())).clone();
        // The entry of a type holds nothing else.
        value.downcast().unwrap_or_default()
    }

    /// Whether algorithms are chosen by measuring.
    pub fn tuning(&self) -> Tuning {
        self.inner().tuning
    }

    /// A file of the cache folder for what holds on this adapter with this driver alone: `NAME_ADAPTER_DRIVER.json`.
    /// `None` where nothing is kept.
    pub fn cache_file(&self, name: &str) -> Option<PathBuf> {
        let info = self.adapter_info();
        let key = format!(
            "{name}_{:?}_{:x}_{:x}_{}_{}_{}",
            info.backend, info.vendor, info.device, info.name, info.driver, info.driver_info
        );
        let file: String = key.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        Some(self.inner().cache_folder.as_ref()?.join(format!("{file}.json")))
    }
}
