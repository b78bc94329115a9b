// Nothing: what a dispatch costs by itself.
//
// Threads: one, which does nothing.
// Limits: none.

@compute @workgroup_size(1)
fn main() {}
