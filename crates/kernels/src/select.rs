//! Which kernel runs a product or a convolution: tables that one can read, top to bottom, first match wins.
//!
//! ```
//! use tilewright_kernels::{matmul::Problem, select::{self, Device}};
//!
//! let problem = Problem { batches: 1, m: 256, n: 256, k: 256, ..Problem::default() };
//! println!("{}", select::matmul(&Device::GPU, &problem).explain());
//! ```

pub use crate::{
    base::{
        choice::Choice,
        device::{Cooperative, Device, DeviceClass},
    },
    convolution::{
        choose::{conv2d_for, conv2d_packed_for, conv2d_pooled_for, conv2d_repeated_for},
        table::{PooledChoice, conv2d, conv2d_candidates, conv2d_packed, conv2d_pooled},
    },
    matmul::{
        choose::matmul_for,
        table::{matmul, matmul_candidates},
    },
};
