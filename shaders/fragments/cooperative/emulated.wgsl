// For tests on devices without cooperative matrices: a thread holds every 32nd element of a matrix of sums, and reads those of
// the factors where they lie in workgroup memory, which the kernels leave alone between loading and multiplying.
alias MatrixA = vec3<u32>; // place, pitch, whether columns lie `pitch` apart
alias MatrixB = vec3<u32>;
alias MatrixC = mat2x4<f32>; // as many elements as a thread has of 16 × 16, of which 8 × 8 uses two
const ELEMENTS: u32 = EDGE * EDGE / 32u; // of a thread

var<workgroup> a_tile: array<vec4<Operand>, 2u * A_SIZE>;
var<workgroup> b_tile: array<vec4<Operand>, 2u * B_SIZE>;
var<workgroup> c_tile: array<vec4<f32>, SUBGROUPS * C_SIZE>;

fn keep_a(at: u32, v: vec4<Operand>) {
    a_tile[at] = v;
}

fn keep_b(at: u32, v: vec4<Operand>) {
    b_tile[at] = v;
}

fn a_by_rows(at: u32, pitch: u32) -> MatrixA {
    return vec3(at, pitch, 0u);
}

fn a_by_columns(at: u32, pitch: u32) -> MatrixA {
    return vec3(at, pitch, 1u);
}

fn b_by_rows(at: u32, pitch: u32) -> MatrixB {
    return vec3(at, pitch, 0u);
}

fn b_by_columns(at: u32, pitch: u32) -> MatrixB {
    return vec3(at, pitch, 1u);
}

// The vec4 that holds an element, and which of its four it is.
fn element(m: vec3<u32>, row: u32, column: u32) -> vec2<u32> {
    let outer = select(row, column, m.z == 1u);
    let inner = select(column, row, m.z == 1u);
    return vec2(m.x + outer * m.y + inner / 4u, inner % 4u);
}

// The row of a thread's element e; its column is lane % EDGE.
fn row_of(e: u32) -> u32 {
    return e * (32u / EDGE) + lane / EDGE;
}

fn multiply_add(x: MatrixA, y: MatrixB, z: MatrixC) -> MatrixC {
    var m = z;
    for (var k = 0u; k < EDGE; k++) {
        let b = element(y, k, lane % EDGE);
        let right = f32(b_tile[b.x][b.y]);
        // @unroll
        for (var e = 0u; e < ELEMENTS; e++) {
            let a = element(x, row_of(e), k);
            m[e / 4u][e % 4u] += f32(a_tile[a.x][a.y]) * right;
        }
    }
    return m;
}

fn store_c(z: MatrixC, at: u32, pitch: u32) {
    // @unroll
    for (var e = 0u; e < ELEMENTS; e++) {
        c_tile[at + row_of(e) * pitch + lane % EDGE / 4u][lane % 4u] = z[e / 4u][e % 4u];
    }
}

fn kept_c(at: u32) -> vec4<f32> {
    return c_tile[at];
}
