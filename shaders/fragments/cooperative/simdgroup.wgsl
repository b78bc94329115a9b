// Matrices of 8 × 8, as Metal has them (simdgroup_matrix, Metal Shading Language specification, section 6.7), for EDGE = 8. Its
// loads and stores take pointers to scalars, and naga hands it the pointer as it is, so the tiles are arrays of those.
alias MatrixA = coop_mat8x8<Operand, A>;
alias MatrixB = coop_mat8x8<Operand, B>;
alias MatrixC = coop_mat8x8<f32, C>;

var<workgroup> a_tile: array<Operand, 8u * A_SIZE>;
var<workgroup> b_tile: array<Operand, 8u * B_SIZE>;
var<workgroup> c_tile: array<f32, 4u * SUBGROUPS * C_SIZE>;

// Offsets and pitches count vec4s of elements; the rows of a matrix, or its columns, lie `pitch` apart.
fn keep_a(at: u32, v: vec4<Operand>) {
    // @unroll
    for (var e = 0u; e < 4u; e++) {
        a_tile[4u * at + e] = v[e];
    }
}

fn keep_b(at: u32, v: vec4<Operand>) {
    // @unroll
    for (var e = 0u; e < 4u; e++) {
        b_tile[4u * at + e] = v[e];
    }
}

fn a_by_rows(at: u32, pitch: u32) -> MatrixA {
    return coopLoadT<MatrixA>(&a_tile[4u * at], 4u * pitch);
}

fn a_by_columns(at: u32, pitch: u32) -> MatrixA {
    return coopLoad<MatrixA>(&a_tile[4u * at], 4u * pitch);
}

fn b_by_rows(at: u32, pitch: u32) -> MatrixB {
    return coopLoadT<MatrixB>(&b_tile[4u * at], 4u * pitch);
}

fn b_by_columns(at: u32, pitch: u32) -> MatrixB {
    return coopLoad<MatrixB>(&b_tile[4u * at], 4u * pitch);
}

fn multiply_add(x: MatrixA, y: MatrixB, z: MatrixC) -> MatrixC {
    return coopMultiplyAdd(x, y, z);
}

fn store_c(z: MatrixC, at: u32, pitch: u32) {
    // Named, because naga 30 evaluates no arguments of a store.
    let first = 4u * at;
    let stride = 4u * pitch;
    coopStoreT(z, &c_tile[first], stride);
}

fn kept_c(at: u32) -> vec4<f32> {
    return vec4(c_tile[4u * at], c_tile[4u * at + 1u], c_tile[4u * at + 2u], c_tile[4u * at + 3u]);
}
