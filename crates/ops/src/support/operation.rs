//! A row of the table, and how rows of one kind are built.

/// One row: an operation of the vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// Its name, as in errors, profiles and golden files.
    pub name: &'static str,
    /// The family: the folder of `shaders/`, and the golden file of that name.
    pub family: &'static str,
    /// The stems of the kernels that compute it; which of several runs is the launcher's or `kernels::select`'s choice.
    /// What an operation borrows from another row is named only where it has no kernel of its own.
    pub forward: &'static [&'static str],
    /// Likewise for its gradients; `None` for what has none.
    pub backward: Option<&'static [&'static str]>,
    /// The function of the reference that says what it means, as `module::function`; `None` where tests compare with
    /// the plain values.
    pub reference: Option<&'static str>,
    /// Whether PyTorch's answers are among the golden files.
    pub golden: bool,
    /// Whether it takes or gives f16.
    pub f16: bool,
    /// Whether it computes in int8.
    pub int8: bool,
    /// The ONNX operator of the same meaning, by which it is imported.
    pub onnx: Option<&'static str>,
}

impl Operation {
    /// An f32 operation without gradient, reference, golden or ONNX counterpart.
    pub(super) const fn new(
        name: &'static str,
        family: &'static str,
        forward: &'static [&'static str],
    ) -> Self {
        let (backward, reference, onnx) = (None, None, None);
        Self { name, family, forward, backward, reference, golden: false, f16: false, int8: false, onnx }
    }

    pub(super) const fn backward(mut self, stems: &'static [&'static str]) -> Self {
        self.backward = Some(stems);
        self
    }

    pub(super) const fn reference(mut self, function: &'static str) -> Self {
        self.reference = Some(function);
        self
    }

    pub(super) const fn golden(mut self) -> Self {
        self.golden = true;
        self
    }

    pub(super) const fn f16(mut self) -> Self {
        self.f16 = true;
        self
    }

    pub(super) const fn int8(mut self) -> Self {
        self.int8 = true;
        self
    }

    pub(super) const fn onnx(mut self, name: &'static str) -> Self {
        self.onnx = Some(name);
        self
    }
}

pub(super) const fn unary(name: &'static str) -> Operation {
    Operation::new(name, "elementwise", &["unary"])
        .backward(&["unary_backward"])
        .reference("elementwise::unary")
        .golden()
}

pub(super) const fn binary(name: &'static str) -> Operation {
    Operation::new(
        name,
        "elementwise",
        &["binary", "binary_rows", "binary_broadcast", "binary_broadcast_vec4"],
    )
    .backward(&["binary_backward", "binary_backward_vec4"])
    .reference("elementwise::binary")
    .golden()
}

/// Of integers alone.
pub(super) const fn bits(name: &'static str) -> Operation {
    Operation::new(
        name,
        "elementwise",
        &["binary", "binary_rows", "binary_broadcast", "binary_broadcast_vec4"],
    )
    .reference("integers::binary")
}

pub(super) const fn matmul(name: &'static str, reference: &'static str) -> Operation {
    const STEMS: &[&str] = &[
        "matmul_naive",
        "matmul_tiled",
        "matmul_register_tiled",
        "matmul_vec4",
        "matmul_lanes",
        "matmul_cooperative",
        "matmul_split_f16_largest",
        "matmul_split_f16",
        "matmul_cooperative_split_f16",
        "matmul_split_k_reduce",
    ];
    Operation::new(name, "matmul", STEMS).backward(STEMS).reference(reference).golden().f16()
}

pub(super) const fn pool(
    name: &'static str,
    forward: &'static [&'static str],
    backward: &'static [&'static str],
    reference: &'static str,
) -> Operation {
    Operation::new(name, "pooling", forward).backward(backward).reference(reference).golden()
}

pub(super) const fn reduce(name: &'static str, backward: &'static [&'static str]) -> Operation {
    Operation::new(name, "reduction", &["reduce_rows", "reduce_columns"])
        .backward(backward)
        .reference("reduction::reduce")
        .golden()
}

pub(super) const fn movement(
    name: &'static str,
    forward: &'static [&'static str],
    backward: &'static [&'static str],
) -> Operation {
    Operation::new(name, "movement", forward).backward(backward)
}
