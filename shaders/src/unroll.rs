//! Writes out the loops marked `// @unroll`: one block per iteration, with the loop variable as a `const`.
//!
//! `// @unroll unless NAME` leaves the loop as it is where the constant NAME is not 0, for devices that would rather
//! have a short body. `unknown(N)` as a bound is N here: in a loop that stays, it is a function of the file that hides
//! the number from the driver's compiler, which would write the loop out on its own.
//!
//! naga emits no unroll hint, and its run-time checks add a counter to every loop; a constant loop variable also
//! turns indexed access of a local array into access by constant, so that the array can live in registers.

use crate::const_expr::{Scope, evaluate};

const MARK: &str = "// @unroll";

/// More iterations than this in all is taken for a mistake: the driver's compile time grows with the text.
const MOST_BLOCKS: usize = 16_384;

/// `text` with every marked loop written out; `scope` holds the module's u32 constants.
pub(crate) fn unroll(text: &str, scope: &Scope) -> Result<String, String> {
    let mut blocks = 0;
    expand(text, scope, &mut blocks)
}

fn expand(text: &str, scope: &Scope, blocks: &mut usize) -> Result<String, String> {
    let mut out = String::with_capacity(text.len() * 2);
    let mut rest = text;
    while let Some(at) = rest.find(MARK) {
        out.push_str(&rest[..at]);
        let after = rest[at..].find('\n').map_or("", |end| &rest[at + end + 1..]);
        let header_end = after.find('{').ok_or("`@unroll` is not followed by a loop")?;
        let header = Loop::parse(&after[..header_end], scope)?;
        let body_start = header_end + 1;
        let mark = rest[at + MARK.len()..].lines().next().unwrap_or_default().trim();
        if let Some(name) = mark.strip_prefix("unless ") {
            if evaluate(name, scope)? != 0 {
                out.push_str(&after[..body_start]);
                rest = &after[body_start..];
                continue;
            }
        } else if !mark.is_empty() {
            return Err(format!("`@unroll {mark}` is not `@unroll` or `@unroll unless NAME`"));
        }
        let body_len = block_length(&after[body_start..])?;
        let body = &after[body_start..body_start + body_len];
        for word in ["break", "continue"] {
            if has_word(body, word) {
                return Err(format!("`{word}` inside an unrolled loop over `{}`", header.name));
            }
        }
        for value in (header.first..header.limit).step_by(header.step) {
            *blocks += 1;
            if *blocks > MOST_BLOCKS {
                return Err(format!("more than {MOST_BLOCKS} unrolled blocks"));
            }
            let mut inner = scope.clone();
            inner.insert(header.name.clone(), value);
            out.push_str(&format!("{{\nconst {}: u32 = {value}u;", header.name));
            out.push_str(&expand(body, &inner, blocks)?);
            out.push_str("}\n");
        }
        rest = &after[body_start + body_len + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

struct Loop {
    name: String,
    first: u32,
    limit: u32,
    step: usize,
}

impl Loop {
    /// Reads `for (var i = A; i < B; i++)` or `…; i += C)`.
    fn parse(header: &str, scope: &Scope) -> Result<Self, String> {
        let fault = || format!("`{}` is not `for (var i = A; i < B; i++)`", header.trim());
        let inside = header
            .trim()
            .strip_prefix("for")
            .and_then(|rest| rest.trim().strip_prefix('('))
            .and_then(|rest| rest.strip_suffix(')'))
            .ok_or_else(fault)?;
        let parts: Vec<_> = inside.split(';').map(str::trim).collect();
        let [first, limit, step] = parts[..] else { return Err(fault()) };
        let (name, first) =
            first.strip_prefix("var ").and_then(|rest| rest.split_once('=')).ok_or_else(fault)?;
        let name = name.trim().trim_end_matches(": u32").trim();
        let limit =
            limit.strip_prefix(name).and_then(|rest| rest.trim().strip_prefix('<')).ok_or_else(fault)?;
        let limit = limit.trim();
        let limit = limit.strip_prefix("unknown(").and_then(|rest| rest.strip_suffix(')')).unwrap_or(limit);
        let step = step.strip_prefix(name).map(str::trim).ok_or_else(fault)?;
        let step = match step.strip_prefix("+=") {
            Some(step) => evaluate(step, scope)?,
            None if step == "++" => 1,
            None => return Err(fault()),
        };
        if step == 0 {
            return Err(format!("the loop over `{name}` has step 0"));
        }
        Ok(Self {
            name: name.to_owned(),
            first: evaluate(first, scope)?,
            limit: evaluate(limit, scope)?,
            step: step as usize,
        })
    }
}

/// The length of the block whose `{` stands just before `text`, without its `}`.
fn block_length(text: &str) -> Result<usize, String> {
    let mut depth = 1;
    let mut comment = false;
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'\n' => comment = false,
            _ if comment => {}
            b'/' if bytes.get(at + 1) == Some(&b'/') => comment = true,
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return Ok(at);
                }
            }
            _ => {}
        }
    }
    Err("an unrolled loop has no closing brace".to_owned())
}

fn has_word(text: &str, word: &str) -> bool {
    text.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .flat_map(|line| line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'))
        .any(|found| found == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_loops_see_outer_variables() {
        let text = "// @unroll\nfor (var i = 0u; i < N; i++) {\n a[i] = 0;\n// @unroll\nfor (var j = i; j < N; j += 2u) { b(i, j); }\n}\nend";
        let out = unroll(text, &Scope::from([("N".into(), 2)])).expect("unrolls");
        assert_eq!(out.matches("const i: u32 =").count(), 2);
        assert_eq!(out.matches("const j: u32 =").count(), 2);
        assert!(out.ends_with("end") && !out.contains("@unroll"));
    }

    #[test]
    fn a_loop_may_stay_and_what_is_in_it_is_written_out() {
        let text = "// @unroll unless SHORT\nfor (var i = 0u; i < unknown(2u); i++) {\n// @unroll\nfor (var j = 0u; j < 3u; j++) { f(i, j); }\n}\nend";
        let out = |short| unroll(text, &Scope::from([("SHORT".into(), short)])).expect("unrolls");
        assert_eq!(out(0).matches("f(i, j)").count(), 6);
        assert!(!out(0).contains("for"));
        assert_eq!(out(1).matches("f(i, j)").count(), 3);
        assert_eq!(out(1).matches("for (var i").count(), 1);
        assert!(out(1).ends_with("end") && !out(1).contains("@unroll"));
    }

    #[test]
    fn faults_are_named() {
        let scope = Scope::new();
        for (text, part) in [
            ("// @unroll maybe\nfor (var i = 0u; i < 4u; i++) { }", "is not `@unroll`"),
            ("// @unroll unless M\nfor (var i = 0u; i < 4u; i++) { }", "`M` is not a known"),
            ("// @unroll\nwhile (true) { }", "is not `for"),
            ("// @unroll\nfor (var i = 0u; i < M; i++) { }", "`M` is not a known"),
            ("// @unroll\nfor (var i = 0u; i < 4u; i++) { if (x) { break; } }", "`break` inside"),
            ("// @unroll\nfor (var i = 0u; i < 4u; i += 0u) { }", "step 0"),
            ("// @unroll\nfor (var i = 0u; i < 4u; i++) { ", "no closing brace"),
            ("// @unroll\nfor (var i = 0u; i < 99999u; i++) { }", "more than"),
        ] {
            let error = unroll(text, &scope).expect_err(text);
            assert!(error.contains(part), "{error}");
        }
    }
}
