//! Where our answer is not PyTorch's, and why. Each rule must be needed.

/// An operation's answer that is not PyTorch's: which role, for which element of the first operand.
pub struct Different {
    pub op: &'static str,
    pub role: &'static str,
    pub at: fn(f32) -> bool,
    pub why: &'static str,
}

pub const ALL: &[Different] = &[
    Different {
        op: "sign",
        role: "y",
        at: f32::is_nan,
        why: "NaN stays NaN, as in NumPy and ONNX; PyTorch: 0",
    },
    Different { op: "shrink", role: "y", at: f32::is_nan, why: "NaN stays NaN; PyTorch 1.13: 0" },
    Different { op: "gelu", role: "y", at: is_lowest, why: "0, the limit; PyTorch: -inf · 0" },
    Different { op: "gelu", role: "grad_x", at: f32::is_infinite, why: "the limit; PyTorch: inf · 0" },
    Different { op: "gelu_tanh", role: "grad_x", at: f32::is_infinite, why: "the limit; PyTorch: inf · 0" },
    Different { op: "softsign", role: "grad_x", at: f32::is_infinite, why: "the limit; PyTorch: inf / inf" },
    Different {
        op: "hard_swish",
        role: "grad_x",
        at: is_kink,
        why: "the slope to the left; PyTorch 1.13: to the right",
    },
    Different {
        op: "log_sum_exp",
        role: "grad_x",
        at: is_least,
        why: "shares of 1; PyTorch's exp(x - y) lacks the digits",
    },
    Different {
        op: "prod",
        role: "grad_x",
        at: f32::is_nan,
        why: "NaN beside a second element that cannot be divided by; PyTorch: that, if there is a 0 anywhere in x, else NaN",
    },
];

fn is_lowest(x: f32) -> bool {
    x == f32::NEG_INFINITY
}

fn is_least(x: f32) -> bool {
    x == f32::MIN
}

fn is_kink(x: f32) -> bool {
    x == -3.0
}
