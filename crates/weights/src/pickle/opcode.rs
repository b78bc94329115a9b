//! The opcodes of Python's pickle protocols 0 to 5, by name.
//!
//! Names and numbers are those of Python's `pickletools`.

macro_rules! opcodes {
    (read: $($name:ident = $code:literal),*; named: $($other:ident = $number:literal),* $(,)?) => {
        $(pub(super) const $name: u8 = $code;)*

        /// The name of an opcode; its number where there is none.
        pub(super) fn name(code: u8) -> String {
            match code {
                $($code => stringify!($name).to_owned(),)*
                $($number => stringify!($other).to_owned(),)*
                _ => format!("0x{code:02x}"),
            }
        }
    };
}

opcodes! {
    read:
    MARK = b'(', STOP = b'.', POP = b'0', POP_MARK = b'1', DUP = b'2', BININT = b'J', BININT1 = b'K', BININT2 = b'M',
    NONE = b'N', BINPERSID = b'Q', REDUCE = b'R', BINSTRING = b'T', SHORT_BINSTRING = b'U', BINUNICODE = b'X',
    APPEND = b'a', BUILD = b'b', GLOBAL = b'c', DICT = b'd', EMPTY_DICT = b'}', APPENDS = b'e', BINGET = b'h',
    LONG_BINGET = b'j', LIST = b'l', EMPTY_LIST = b']', BINPUT = b'q', LONG_BINPUT = b'r', SETITEM = b's', TUPLE = b't',
    EMPTY_TUPLE = b')', SETITEMS = b'u', BINFLOAT = b'G', PROTO = 0x80, NEWOBJ = 0x81, TUPLE1 = 0x85, TUPLE2 = 0x86,
    TUPLE3 = 0x87, NEWTRUE = 0x88, NEWFALSE = 0x89, LONG1 = 0x8a, LONG4 = 0x8b, BINBYTES = b'B', SHORT_BINBYTES = b'C',
    SHORT_BINUNICODE = 0x8c, BINUNICODE8 = 0x8d, BINBYTES8 = 0x8e, EMPTY_SET = 0x8f, ADDITEMS = 0x90,
    FROZENSET = 0x91, NEWOBJ_EX = 0x92, STACK_GLOBAL = 0x93, MEMOIZE = 0x94, FRAME = 0x95, BYTEARRAY8 = 0x96;
    named:
    FLOAT = b'F', INT = b'I', LONG = b'L', PERSID = b'P', STRING = b'S', UNICODE = b'V', GET = b'g', INST = b'i',
    OBJ = b'o', PUT = b'p', EXT1 = 0x82, EXT2 = 0x83, EXT4 = 0x84, NEXT_BUFFER = 0x97, READONLY_BUFFER = 0x98,
}
