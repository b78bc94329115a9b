//! The keys of a section, each read once with the values that it may have.

use std::{ops::RangeInclusive, str::FromStr};

use super::{
    kinds::{Activation, Settings},
    text::{Entry, Section, short},
};
use crate::error::{Error, Place, Result};

/// The most elements of a list.
const MOST_LISTED: usize = 4096;

/// The keys of a section that are still to be read.
pub struct Keys<'a> {
    file: &'a str,
    section: &'a Section,
    used: Vec<bool>,
}

impl<'a> Keys<'a> {
    pub fn new(file: &'a str, section: &'a Section) -> Self {
        Self { file, section, used: vec![false; section.entries.len()] }
    }

    /// An error of the section as a whole.
    pub fn fault(&self, fault: impl Into<String>) -> Error {
        self.said("", self.section.line, fault.into())
    }

    /// An error of a key; of the section where it is not written.
    pub fn fault_of(&self, key: &str, fault: impl Into<String>) -> Error {
        let line = self.section.entries.iter().find(|entry| entry.key == key).map(|entry| entry.line);
        self.said(key, line.unwrap_or(self.section.line), fault.into())
    }

    fn said(&self, key: &str, line: usize, fault: String) -> Error {
        let (file, section) = (self.file.to_owned(), short(&self.section.name));
        Error::Cfg { place: Box::new(Place { file, line, section, key: short(key) }), fault }
    }

    fn entry(&mut self, key: &str) -> Result<Option<&'a Entry>> {
        let mut found = self.section.entries.iter().enumerate().filter(|(_, entry)| entry.key == key);
        let Some((at, entry)) = found.next() else { return Ok(None) };
        if let Some((_, second)) = found.next() {
            let fault = format!("the key is there already, in line {}: keep one of them", entry.line);
            return Err(self.said(key, second.line, fault));
        }
        self.used[at] = true;
        Ok(Some(entry))
    }

    /// A whole number of `range`.
    pub fn count(&mut self, key: &str, default: usize, range: RangeInclusive<usize>) -> Result<usize> {
        let Some(entry) = self.entry(key)? else { return Ok(default) };
        let number = entry.value.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| {
            let (least, most) = range.clone().into_inner();
            let value = short(&entry.value);
            self.fault_of(
                key,
                format!("`{value}` is no whole number of {least} to {most}{}", comment(&value)),
            )
        })
    }

    /// 0 or 1.
    pub fn flag(&mut self, key: &str, default: bool) -> Result<bool> {
        Ok(self.count(key, usize::from(default), 0..=1)? == 1)
    }

    /// A finite number.
    pub fn real(&mut self, key: &str, default: f32) -> Result<f32> {
        let Some(entry) = self.entry(key)? else { return Ok(default) };
        let number = entry.value.parse().ok().filter(|number: &f32| number.is_finite());
        number.ok_or_else(|| {
            let value = short(&entry.value);
            self.fault_of(key, format!("`{value}` is no number{}", comment(&value)))
        })
    }

    /// Numbers with commas between; a comma at the end is nothing.
    pub fn list<T: FromStr>(&mut self, key: &str, what: &str) -> Result<Option<Vec<T>>> {
        let Some(entry) = self.entry(key)? else { return Ok(None) };
        let value = entry.value.strip_suffix(',').unwrap_or(&entry.value);
        let parts: Vec<&str> = value.split(',').take(MOST_LISTED + 1).collect();
        if parts.len() > MOST_LISTED {
            return Err(self.fault_of(key, format!("a list has at most {MOST_LISTED} elements")));
        }
        let parse = |part: &str| {
            part.parse().map_err(|_| {
                let part = short(part);
                self.fault_of(key, format!("`{part}` is no {what}{}", comment(&part)))
            })
        };
        parts.into_iter().map(parse).collect::<Result<Vec<T>>>().map(Some)
    }

    /// A function by its name.
    pub fn activation(&mut self, default: Activation) -> Result<Activation> {
        let key = "activation";
        let Some(entry) = self.entry(key)? else { return Ok(default) };
        Activation::ALL.into_iter().find(|activation| activation.name() == entry.value).ok_or_else(|| {
            let names = Activation::ALL.map(Activation::name).join(", ");
            let value = short(&entry.value);
            self.fault_of(key, format!("`{value}` is no activation that is computed; these are: {names}"))
        })
    }

    /// A key of Darknet's that is passed over only with the number that changes nothing.
    pub fn idle(&mut self, key: &str, value: f32) -> Result<()> {
        let found = self.real(key, value)?;
        if found == value {
            return Ok(());
        }
        Err(self.fault_of(
            key,
            format!("only {value} is computed here, not {found}: take the key out if it may be so"),
        ))
    }

    /// The keys that nothing has read, all of which have to be among `known`. Published files have some of them twice.
    pub fn rest(self, known: &[&str]) -> Result<Settings> {
        let mut settings = Vec::new();
        for (entry, used) in self.section.entries.iter().zip(&self.used) {
            if *used {
                continue;
            }
            if !known.contains(&&*entry.key) {
                let fault = format!(
                    "[{}] has no such key that is known here: correct it or take it out",
                    self.section.name
                );
                return Err(self.fault_of(&entry.key, fault));
            }
            settings.push((entry.key.clone(), entry.value.clone()));
        }
        Ok(settings)
    }
}

/// Why a value with a comment behind it is none.
fn comment(value: &str) -> &'static str {
    if value.contains(['#', ';']) { "; a comment has a line of its own" } else { "" }
}
