// Every thread holds the whole matrix and does all of its work: for tests on devices without cooperative matrices.
alias MatrixA = array<f32, 256>;
alias MatrixB = array<f32, 256>;
alias MatrixC = array<f32, 256>;

fn a_by_rows(at: u32, pitch: u32) -> MatrixA {
    var m: MatrixA;
    for (var i = 0u; i < 16u; i++) {
        // @unroll
        for (var j = 0u; j < 16u; j++) {
            m[i * 16u + j] = f32(a_tile[at + i * pitch + j / 4u][j % 4u]);
        }
    }
    return m;
}

fn a_by_columns(at: u32, pitch: u32) -> MatrixA {
    var m: MatrixA;
    for (var i = 0u; i < 16u; i++) {
        // @unroll
        for (var j = 0u; j < 16u; j++) {
            m[j * 16u + i] = f32(a_tile[at + i * pitch + j / 4u][j % 4u]);
        }
    }
    return m;
}

fn b_by_rows(at: u32, pitch: u32) -> MatrixB {
    var m: MatrixB;
    for (var i = 0u; i < 16u; i++) {
        // @unroll
        for (var j = 0u; j < 16u; j++) {
            m[i * 16u + j] = f32(b_tile[at + i * pitch + j / 4u][j % 4u]);
        }
    }
    return m;
}

fn b_by_columns(at: u32, pitch: u32) -> MatrixB {
    var m: MatrixB;
    for (var i = 0u; i < 16u; i++) {
        // @unroll
        for (var j = 0u; j < 16u; j++) {
            m[j * 16u + i] = f32(b_tile[at + i * pitch + j / 4u][j % 4u]);
        }
    }
    return m;
}

fn multiply_add(x: MatrixA, y: MatrixB, z: MatrixC) -> MatrixC {
    var left = x;
    var right = y;
    var m = z;
    for (var i = 0u; i < 256u; i++) {
        var s = m[i];
        // @unroll
        for (var k = 0u; k < 16u; k++) {
            s += left[i / 16u * 16u + k] * right[k * 16u + i % 16u];
        }
        m[i] = s;
    }
    return m;
}

fn add(x: MatrixC, y: MatrixC) -> MatrixC {
    var m = x;
    var n = y;
    for (var i = 0u; i < 256u; i++) {
        m[i] += n[i];
    }
    return m;
}

fn scaled(x: MatrixC, factor: f32) -> MatrixC {
    var m = x;
    for (var i = 0u; i < 256u; i++) {
        m[i] *= factor;
    }
    return m;
}

fn store_c(z: MatrixC, at: u32, pitch: u32) {
    var m = z;
    for (var i = 0u; i < 16u; i++) {
        // @unroll
        for (var j = 0u; j < 4u; j++) {
            c_tile[at + i * pitch + j] = vec4(m[i * 16u + j * 4u], m[i * 16u + j * 4u + 1u], m[i * 16u + j * 4u + 2u], m[i * 16u + j * 4u + 3u]);
        }
    }
}
