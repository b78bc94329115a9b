//! Evaluates the u32 constant expressions that loop bounds are made of: `+ - * / %`, parentheses, names.

use std::collections::HashMap;

/// Names that are in scope, with their values.
pub(crate) type Scope = HashMap<String, u32>;

/// The value of `text`, or what is wrong with it.
pub(crate) fn evaluate(text: &str, scope: &Scope) -> Result<u32, String> {
    let mut parser = Parser { rest: text.trim(), scope };
    let value = parser.sum()?;
    if parser.rest.is_empty() {
        Ok(value)
    } else {
        Err(format!("`{}` is left over in the constant expression `{text}`", parser.rest))
    }
}

struct Parser<'a> {
    rest: &'a str,
    scope: &'a Scope,
}

impl Parser<'_> {
    fn sum(&mut self) -> Result<u32, String> {
        let mut left = self.product()?;
        loop {
            left = match self.operator(&['+', '-']) {
                Some('+') => left.checked_add(self.product()?),
                Some(_) => left.checked_sub(self.product()?),
                None => return Ok(left),
            }
            .ok_or("the constant expression leaves the range of u32")?;
        }
    }

    fn product(&mut self) -> Result<u32, String> {
        let mut left = self.atom()?;
        loop {
            left = match self.operator(&['*', '/', '%']) {
                Some('*') => left.checked_mul(self.atom()?),
                Some('/') => left.checked_div(self.atom()?),
                Some(_) => left.checked_rem(self.atom()?),
                None => return Ok(left),
            }
            .ok_or("the constant expression overflows or divides by zero")?;
        }
    }

    fn atom(&mut self) -> Result<u32, String> {
        self.rest = self.rest.trim_start();
        if let Some(inner) = self.rest.strip_prefix('(') {
            self.rest = inner;
            let value = self.sum()?;
            self.rest = self.rest.trim_start().strip_prefix(')').ok_or("a `)` is missing")?.trim_start();
            return Ok(value);
        }
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            word.trim_end_matches('u').parse().map_err(|_| format!("`{word}` is not a u32"))
        } else {
            self.scope.get(word).copied().ok_or(format!("`{word}` is not a known u32 constant"))
        }
    }

    fn operator(&mut self, wanted: &[char]) -> Option<char> {
        let found = self.rest.trim_start().chars().next().filter(|c| wanted.contains(c))?;
        self.rest = self.rest.trim_start()[1..].trim_start();
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_names_and_faults() {
        let scope = Scope::from([("TILE".into(), 8), ("i".into(), 3)]);
        assert_eq!(evaluate("TILE * 2u + i", &scope), Ok(19));
        assert_eq!(evaluate("(TILE - 2u) / i % 4", &scope), Ok(2));
        assert!(evaluate("TILE +", &scope).is_err());
        assert!(evaluate("i - TILE", &scope).is_err());
        assert!(evaluate("TILE / (i - 3u)", &scope).is_err());
        assert!(evaluate("WIDTH", &scope).is_err());
        assert!(evaluate("1u 2u", &scope).is_err());
    }
}
