//! Vectors with ids and names.

use std::collections::HashMap;

use crate::{
    error::{Error, Result},
    metric::Metric,
};

/// The most numbers that a vector may have.
const MOST: usize = 1 << 20;

/// Vectors of one length, each with an id of its own and a name.
///
/// For [`Metric::Cosine`] vectors are brought to length 1 as they are added.
#[derive(Clone, Debug)]
pub struct Index {
    dim: usize,
    metric: Metric,
    about: String,
    ids: Vec<u64>,
    names: Vec<String>,
    /// One behind the other.
    rows: Vec<f32>,
    places: HashMap<u64, usize>,
}

impl Index {
    /// An empty index of vectors of `dim` numbers.
    ///
    /// # Errors
    /// [`Error::Dimension`] unless they are 1 to 1,048,576.
    pub fn new(dim: usize, metric: Metric) -> Result<Self> {
        if dim == 0 || dim > MOST {
            return Err(Error::Dimension { dim });
        }
        let (ids, names, rows, places) = Default::default();
        Ok(Self { dim, metric, about: String::new(), ids, names, rows, places })
    }

    /// The index of what a file holds, whose vectors have been prepared when they were added.
    pub(crate) fn of_parts(
        dim: usize,
        metric: Metric,
        ids: Vec<u64>,
        names: Vec<String>,
        rows: Vec<f32>,
    ) -> Result<Self, String> {
        let index = Self::new(dim, metric).map_err(|error| error.to_string())?;
        if names.len() != ids.len() || rows.len() != ids.len() * dim {
            let (ids, names, rows) = (ids.len(), names.len(), rows.len());
            return Err(format!("{ids} ids, {names} names and {rows} numbers do not fit together"));
        }
        if let Some(place) = rows.iter().position(|number| !number.is_finite()) {
            return Err(format!("number {} of vector {} is {}", place % dim, place / dim, rows[place]));
        }
        let places: HashMap<u64, usize> = ids.iter().enumerate().map(|(place, &id)| (id, place)).collect();
        if places.len() != ids.len() {
            return Err("an id is there twice".to_owned());
        }
        Ok(Self { ids, names, rows, places, ..index })
    }

    /// Numbers of a vector.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// How near two vectors are.
    pub fn metric(&self) -> Metric {
        self.metric
    }

    /// What is known of the index, a text of whoever made it (such as the network and its weights); kept in the file.
    pub fn about(&self) -> &str {
        &self.about
    }

    /// Another text for [`Self::about`].
    pub fn set_about(&mut self, about: impl Into<String>) {
        self.about = about.into();
    }

    /// How many vectors there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The ids, in the order of the vectors.
    pub fn ids(&self) -> &[u64] {
        &self.ids
    }

    /// The names, in the order of the vectors.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// All vectors, one behind the other.
    pub fn rows(&self) -> &[f32] {
        &self.rows
    }

    /// The vector of that id, as it is compared.
    pub fn vector(&self, id: u64) -> Option<&[f32]> {
        self.places.get(&id).map(|&place| self.row(place))
    }

    pub(crate) fn row(&self, place: usize) -> &[f32] {
        &self.rows[place * self.dim..(place + 1) * self.dim]
    }

    /// The least id that is above all.
    pub fn next_id(&self) -> u64 {
        self.ids.iter().max().map_or(0, |&id| id.saturating_add(1))
    }

    /// Room for so many more vectors.
    pub fn reserve(&mut self, vectors: usize) {
        self.ids.reserve(vectors);
        self.names.reserve(vectors);
        self.rows.reserve(vectors.saturating_mul(self.dim));
    }

    /// Adds a vector.
    ///
    /// # Errors
    /// [`Error::Length`], [`Error::NotFinite`], [`Error::Zero`], [`Error::Duplicate`]; the index is then as it was.
    pub fn add(&mut self, id: u64, name: impl Into<String>, vector: &[f32]) -> Result<()> {
        let name = name.into();
        if let Some(&place) = self.places.get(&id) {
            return Err(Error::Duplicate { id, name: self.names[place].clone() });
        }
        let vector = self.prepared(&format!("`{name}`"), vector)?;
        self.places.insert(id, self.ids.len());
        self.ids.push(id);
        self.names.push(name);
        self.rows.extend(vector);
        Ok(())
    }

    /// Takes the vector of that id out; the last one moves to its place. Whether there was one.
    pub fn remove(&mut self, id: u64) -> bool {
        let Some(place) = self.places.remove(&id) else { return false };
        self.ids.swap_remove(place);
        self.names.swap_remove(place);
        let last = self.ids.len();
        if place < last {
            self.rows.copy_within(last * self.dim.., place * self.dim);
            self.places.insert(self.ids[place], place);
        }
        self.rows.truncate(last * self.dim);
        true
    }

    /// A vector as it is compared: checked, and of length 1 where only the direction counts.
    pub(crate) fn prepared(&self, what: &str, vector: &[f32]) -> Result<Vec<f32>> {
        let what = || what.to_owned();
        if vector.len() != self.dim {
            return Err(Error::Length { what: what(), found: vector.len(), dim: self.dim });
        }
        if let Some(place) = vector.iter().position(|number| !number.is_finite()) {
            return Err(Error::NotFinite { what: what(), place, value: vector[place] });
        }
        if self.metric != Metric::Cosine {
            return Ok(vector.to_vec());
        }
        let length = vector.iter().map(|&number| f64::from(number) * f64::from(number)).sum::<f64>().sqrt();
        if length == 0.0 {
            return Err(Error::Zero { what: what() });
        }
        Ok(vector.iter().map(|&number| (f64::from(number) / length) as f32).collect())
    }
}
