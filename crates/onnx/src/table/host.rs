//! What the host alone computes beside shape arithmetic: quantised weights, signals, words.

use super::operator::{HostOperator, HostRow, Windowing};

pub(super) const ON_HOST: &[HostRow] = &[
    ("QuantizeLinear", HostOperator::Quantize),
    ("DequantizeLinear", HostOperator::Dequantize),
    ("DynamicQuantizeLinear", HostOperator::DynamicQuantize),
    ("HannWindow", HostOperator::Window(Windowing::Hann)),
    ("HammingWindow", HostOperator::Window(Windowing::Hamming)),
    ("BlackmanWindow", HostOperator::Window(Windowing::Blackman)),
    ("DFT", HostOperator::Dft),
    ("STFT", HostOperator::Stft),
    ("MelWeightMatrix", HostOperator::MelWeights),
    ("TfIdfVectorizer", HostOperator::TfIdf),
    ("CumProd", HostOperator::CumProd),
    ("BitCast", HostOperator::BitCast),
];
