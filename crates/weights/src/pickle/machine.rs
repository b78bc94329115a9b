//! The pickle virtual machine: opcodes in, data out. It calls nothing.
//!
//! Python's pickles are programs of a small stack machine (PEP 307, PEP 3154, PEP 574; the opcodes are described in the
//! standard library's `pickletools`). A name of a class or function is kept as text. Where a pickle calls one, [`calls`] has
//! a short list of those that build tensors and containers, each written here as what it means for data; any other is an
//! error that names it.

use std::{collections::HashMap, io::Read};

use super::{
    calls, globals,
    opcode::{self as op},
    value::{Heap, Node, Value},
};
use crate::{error::Fault, input::Input};

/// Opcodes of one pickle, at most; each takes a few dozen bytes of memory.
const MOST_OPCODES: u64 = 1 << 25;

/// Runs one pickle; `input` stands behind its end then. What it says is in `heap`.
pub(crate) fn run<R: Read>(input: &mut Input<R>, heap: &mut Heap) -> Result<Value, Fault> {
    let mut machine = Machine { input, heap, stack: Vec::new(), marks: Vec::new(), memo: HashMap::new() };
    let begin = machine.input.at();
    for _ in 0..MOST_OPCODES {
        let at = machine.input.at() - begin;
        let code = machine.byte()?;
        if code == op::STOP {
            return machine.pop();
        }
        machine.step(code, at)?;
    }
    Err(Fault::Limit { what: "its pickle's number of opcodes", limit: MOST_OPCODES })
}

struct Machine<'a, R> {
    input: &'a mut Input<R>,
    heap: &'a mut Heap,
    stack: Vec<Value>,
    /// Where each open mark is in the stack.
    marks: Vec<usize>,
    memo: HashMap<u32, Value>,
}

const WHAT: &str = "its pickle";

impl<R: Read> Machine<'_, R> {
    fn step(&mut self, code: u8, at: u64) -> Result<(), Fault> {
        match code {
            op::PROTO => self.protocol(),
            // A frame's length is a hint for readers; the opcodes within say the same.
            op::FRAME => self.input.array::<8>(WHAT).map(drop),
            op::MARK => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            op::POP => self.drop_top(),
            op::POP_MARK => self.marked().map(drop),
            op::DUP => {
                let top = self.top()?;
                self.push(top)
            }
            op::NONE => self.push(Value::None),
            op::NEWTRUE => self.push(Value::Bool(true)),
            op::NEWFALSE => self.push(Value::Bool(false)),
            op::BININT => {
                let value = i32::from_le_bytes(self.input.array(WHAT)?);
                self.push(Value::Int(value.into()))
            }
            op::BININT1 => {
                let value = self.byte()?;
                self.push(Value::Int(value.into()))
            }
            op::BININT2 => {
                let value = u16::from_le_bytes(self.input.array(WHAT)?);
                self.push(Value::Int(value.into()))
            }
            op::LONG1 => self.long(1),
            op::LONG4 => self.long(4),
            op::BINFLOAT => {
                let value = f64::from_be_bytes(self.input.array(WHAT)?);
                self.push(Value::Float(value))
            }
            op::SHORT_BINUNICODE => self.text(1),
            op::BINUNICODE => self.text(4),
            op::BINUNICODE8 => self.text(8),
            op::SHORT_BINBYTES | op::SHORT_BINSTRING => self.bytes(1),
            op::BINBYTES | op::BINSTRING => self.bytes(4),
            op::BINBYTES8 | op::BYTEARRAY8 => self.bytes(8),
            op::EMPTY_LIST => self.put(Node::List(Vec::new())),
            op::EMPTY_TUPLE => self.put(Node::Tuple(Vec::new())),
            op::EMPTY_DICT => self.put(Node::Dict(Vec::new())),
            op::EMPTY_SET => self.put(Node::List(Vec::new())),
            op::LIST | op::FROZENSET => {
                let items = self.marked()?;
                self.put(Node::List(items))
            }
            op::TUPLE => {
                let items = self.marked()?;
                self.put(Node::Tuple(items))
            }
            op::TUPLE1 => self.tuple(1),
            op::TUPLE2 => self.tuple(2),
            op::TUPLE3 => self.tuple(3),
            op::DICT => {
                let pairs = pairs(&self.marked()?)?;
                self.put(Node::Dict(pairs))
            }
            op::APPEND => {
                let item = self.pop()?;
                self.append(vec![item])
            }
            op::APPENDS | op::ADDITEMS => {
                let items = self.marked()?;
                self.append(items)
            }
            op::SETITEM => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.insert(vec![(key, value)])
            }
            op::SETITEMS => {
                let pairs = pairs(&self.marked()?)?;
                self.insert(pairs)
            }
            op::BINGET => {
                let slot = self.byte()?;
                self.recall(slot.into())
            }
            op::LONG_BINGET => {
                let slot = u32::from_le_bytes(self.input.array(WHAT)?);
                self.recall(slot)
            }
            op::BINPUT => {
                let slot = self.byte()?;
                self.remember(slot.into())
            }
            op::LONG_BINPUT => {
                let slot = u32::from_le_bytes(self.input.array(WHAT)?);
                self.remember(slot)
            }
            op::MEMOIZE => self.remember(self.memo.len() as u32),
            op::GLOBAL => {
                let module = self.input.line("a name in its pickle")?;
                let name = self.input.line("a name in its pickle")?;
                self.global(&module, &name)
            }
            op::STACK_GLOBAL => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Some(module), Some(name)) = (self.heap.name(module), self.heap.name(name)) else {
                    return Err(Fault::damaged("a name in its pickle is no text"));
                };
                self.global(&module, &name)
            }
            op::BINPERSID => {
                let id = self.pop()?;
                let value = calls::persistent(self.heap, id)?;
                self.push(value)
            }
            op::REDUCE => {
                let (arguments, function) = (self.pop()?, self.pop()?);
                let value = calls::call(self.heap, function, arguments)?;
                self.push(value)
            }
            op::NEWOBJ => {
                let (_, class) = (self.pop()?, self.pop()?);
                let value = calls::object(self.heap, class)?;
                self.push(value)
            }
            op::NEWOBJ_EX => {
                let (_, _, class) = (self.pop()?, self.pop()?, self.pop()?);
                let value = calls::object(self.heap, class)?;
                self.push(value)
            }
            op::BUILD => {
                let (state, value) = (self.pop()?, self.top()?);
                calls::build(self.heap, value, state)
            }
            other => Err(Fault::Opcode { name: op::name(other), at }),
        }
    }

    fn protocol(&mut self) -> Result<(), Fault> {
        match self.byte()? {
            2..=5 => Ok(()),
            other => Err(Fault::Unsupported(format!("its pickle is of protocol {other}; 2 to 5 are read"))),
        }
    }

    fn byte(&mut self) -> Result<u8, Fault> {
        Ok(self.input.array::<1>(WHAT)?[0])
    }

    fn push(&mut self, value: Value) -> Result<(), Fault> {
        self.stack.push(value);
        Ok(())
    }

    fn put(&mut self, node: Node) -> Result<(), Fault> {
        let value = self.heap.put(node)?;
        self.push(value)
    }

    fn top(&self) -> Result<Value, Fault> {
        self.stack.last().copied().ok_or_else(empty)
    }

    /// Nothing below the last mark can be taken by anything but what takes the mark.
    fn pop(&mut self) -> Result<Value, Fault> {
        if self.marks.last().is_some_and(|&mark| self.stack.len() <= mark) {
            return Err(empty());
        }
        self.stack.pop().ok_or_else(empty)
    }

    /// What `POP` takes: a value, or a mark that nothing follows.
    fn drop_top(&mut self) -> Result<(), Fault> {
        if self.marks.last() == Some(&self.stack.len()) {
            self.marks.pop();
            return Ok(());
        }
        self.pop().map(drop)
    }

    fn marked(&mut self) -> Result<Vec<Value>, Fault> {
        let mark = self.marks.pop().ok_or_else(empty)?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    fn tuple(&mut self, count: usize) -> Result<(), Fault> {
        let mut items = vec![Value::None; count];
        for item in items.iter_mut().rev() {
            *item = self.pop()?;
        }
        self.put(Node::Tuple(items))
    }

    /// A length of `width` bytes, little-endian.
    fn length(&mut self, width: usize) -> Result<u64, Fault> {
        let mut length = [0; 8];
        self.input.fill(WHAT, &mut length[..width.min(8)])?;
        Ok(u64::from_le_bytes(length))
    }

    fn bytes(&mut self, width: usize) -> Result<(), Fault> {
        let length = self.length(width)?;
        let bytes = self.input.bytes(WHAT, length)?;
        self.put(Node::Bytes(bytes))
    }

    fn text(&mut self, width: usize) -> Result<(), Fault> {
        let length = self.length(width)?;
        let text = String::from_utf8(self.input.bytes(WHAT, length)?)
            .map_err(|_| Fault::damaged("a text in its pickle is no UTF-8"))?;
        self.put(Node::Text(text))
    }

    fn long(&mut self, width: usize) -> Result<(), Fault> {
        let length = self.length(width)?;
        let bytes = self.input.bytes(WHAT, length)?;
        if bytes.len() > 8 {
            return self.put(Node::Long(bytes));
        }
        let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        let mut value = [if negative { 0xff } else { 0 }; 8];
        value[..bytes.len()].copy_from_slice(&bytes);
        self.push(Value::Int(i64::from_le_bytes(value)))
    }

    fn global(&mut self, module: &str, name: &str) -> Result<(), Fault> {
        let name = format!("{module}.{name}");
        globals::check(&name)?;
        self.put(Node::Global(name))
    }

    fn append(&mut self, items: Vec<Value>) -> Result<(), Fault> {
        let list = self.top()?;
        match self.heap.get_mut(list) {
            Some(Node::List(list)) => list.extend(items),
            // A class of one's own that is a kind of list: what it holds is no weights.
            Some(Node::Object(_) | Node::Opaque) => {}
            _ => return Err(Fault::damaged(format!("its pickle appends to {}", self.heap.kind(list)))),
        }
        Ok(())
    }

    fn insert(&mut self, pairs: Vec<(Value, Value)>) -> Result<(), Fault> {
        let dict = self.top()?;
        match self.heap.get_mut(dict) {
            Some(Node::Dict(dict)) => dict.extend(pairs),
            Some(Node::Object(object)) => object.pairs.extend(pairs),
            Some(Node::Opaque) => {}
            _ => {
                return Err(Fault::damaged(format!("its pickle puts entries into {}", self.heap.kind(dict))));
            }
        }
        Ok(())
    }

    fn recall(&mut self, slot: u32) -> Result<(), Fault> {
        let value = self.memo.get(&slot).copied();
        let value = value
            .ok_or_else(|| Fault::damaged(format!("its pickle recalls value {slot}, which it never kept")))?;
        self.push(value)
    }

    fn remember(&mut self, slot: u32) -> Result<(), Fault> {
        let value = self.top()?;
        self.memo.insert(slot, value);
        Ok(())
    }
}

fn empty() -> Fault {
    Fault::damaged("its pickle takes a value where there is none")
}

fn pairs(items: &[Value]) -> Result<Vec<(Value, Value)>, Fault> {
    let (pairs, rest) = items.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(Fault::damaged("its pickle has a key without a value"));
    }
    Ok(pairs.iter().map(|&[key, value]| (key, value)).collect())
}
