//! Operations that are made of operations of the vocabulary, one to a file.

mod quantize;
