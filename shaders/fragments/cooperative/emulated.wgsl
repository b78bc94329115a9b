// For tests on devices without cooperative matrices: a thread holds every 32nd element of a matrix of sums, and reads those of
// the factors where they lie in workgroup memory, which the kernels leave alone between loading and multiplying.
alias MatrixA = vec3<u32>; // place, pitch, whether columns lie `pitch` apart
alias MatrixB = vec3<u32>;
alias MatrixC = array<f32, 8>;

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

fn multiply_add(x: MatrixA, y: MatrixB, z: MatrixC) -> MatrixC {
    var m = z;
    for (var k = 0u; k < 16u; k++) {
        let b = element(y, k, lane % 16u);
        let right = f32(b_tile[b.x][b.y]);
        // @unroll
        for (var e = 0u; e < 8u; e++) {
            let a = element(x, e * 2u + lane / 16u, k);
            m[e] += f32(a_tile[a.x][a.y]) * right;
        }
    }
    return m;
}

fn add(x: MatrixC, y: MatrixC) -> MatrixC {
    var m = x;
    // @unroll
    for (var e = 0u; e < 8u; e++) {
        m[e] += y[e];
    }
    return m;
}

fn scaled(x: MatrixC, factor: f32) -> MatrixC {
    var m = x;
    // @unroll
    for (var e = 0u; e < 8u; e++) {
        m[e] *= factor;
    }
    return m;
}

fn store_c(z: MatrixC, at: u32, pitch: u32) {
    // @unroll
    for (var e = 0u; e < 8u; e++) {
        c_tile[at + (e * 2u + lane / 16u) * pitch + lane % 16u / 4u][lane % 4u] = z[e];
    }
}
