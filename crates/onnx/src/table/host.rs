//! What the host alone computes beside shape arithmetic: scales that follow from the numbers, signals, words.

use super::operator::{HostOperator, HostRow, Windowing};

pub(super) const ON_HOST: &[HostRow] = &[
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
